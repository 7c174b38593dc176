//! Panics while a story is told are findings like others, with their words and the place where they happened. A panic's
//! payload does not tell the place, so that a hook notes it; panics of whoever tells no story are told as they always were.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe, Location, PanicHookInfo},
    sync::Once,
};

/// What a thread is at.
#[derive(Debug, Default)]
enum Work {
    #[default]
    Other,
    /// It tells a story, whose panics are noted.
    Telling,
    /// The story has panicked, with these words.
    Panicked(String),
}

thread_local! {
    static WORK: RefCell<Work> = const { RefCell::new(Work::Other) };
}

/// Tells a story, or says where and with which words it panicked.
pub(super) fn noted<T>(tell: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(hook);
    WORK.set(Work::Telling);
    let told = panic::catch_unwind(AssertUnwindSafe(tell));
    let work = WORK.take();
    told.map_err(|_| if let Work::Panicked(words) = work { words } else { "panic: nobody noted where".to_owned() })
}

fn hook() {
    let others = panic::take_hook();
    panic::set_hook(Box::new(move |panic| match WORK.take() {
        Work::Other => others(panic),
        Work::Telling | Work::Panicked(_) => WORK.set(Work::Panicked(words(panic))),
    }));
}

/// In one line, as a comment at the head of a scenario has it.
fn words(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(Location::to_string).unwrap_or_default();
    let said = panic.payload_as_str().unwrap_or("without words");
    format!("panic at {place}: {}", said.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_noted_with_its_place() {
        assert_eq!(noted(|| 7), Ok(7));
        let line = line!() + 1;
        let noted = noted(|| panic!("nobody\n  knows {}", "why")).map(|()| 0);
        assert!(noted.unwrap_err().starts_with(&format!("panic at {}:{line}:", file!())));
    }
}
