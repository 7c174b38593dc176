//! Text of ours, made fit for XML.

use quick_xml::escape;

pub(super) use crate::text::clean;

/// The text as XML has it, in content and in attributes alike. Characters that no XML document can hold are replaced, so that
/// one of them in a description cannot spoil a whole request. Line breaks of Windows stay what they are, as `&#13;`: whoever reads
/// XML takes a bare one for another.
pub(super) fn xml(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(allowed) {
        escape::escape(text).into_owned()
    } else {
        escape::escape(text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect::<String>()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_break_out_of_a_document() {
        assert_eq!(xml("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&apos;");
        assert_eq!(xml("a\0b\u{ffff}c\nd"), "a\u{fffd}b\u{fffd}c\nd");
        assert_eq!(xml("a\r\nb"), "a&#13;\nb");
        assert_eq!(xml("a\r\nb\0"), "a&#13;\nb\u{fffd}");
    }
}
