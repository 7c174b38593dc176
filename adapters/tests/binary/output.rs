//! Where output goes: to terminals and files, into pipes that somebody closes, and onto disks that are full.

use std::{
    fs::File,
    io,
    process::{Output, Stdio},
};

use expect_test::expect;

use crate::site::Site;

#[test]
fn colours_are_for_those_who_can_see_them() {
    let plain = Site::new().plan(&[]).stdout;
    let forced = Site::new().set("CLICOLOR_FORCE", "1").plan(&[]).stdout;
    let refused = Site::new().set("CLICOLOR_FORCE", "1").set("NO_COLOR", "1").plan(&[]).stdout;
    assert!(!plain.contains('\u{1b}') && forced.contains("\u{1b}[32m+ sg-web-1"), "{forced}");
    assert_eq!(refused, plain);
    assert_eq!(anstream::adapter::strip_str(&forced).to_string(), plain);
}

#[test]
fn who_has_read_enough_may_close_the_pipe() {
    for arguments in [&["--json"][..], &[]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let ended = Site::new().command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let Output { status, stderr, .. } = ended;
        assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(2), ""));
    }
}

#[test]
fn a_full_disk_is_an_error() {
    // Where there is no such device, there is nothing to try it on.
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let ended = Site::new().command(&[]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    expect![[r#"
        error: standard output cannot be written: No space left on device (os error 28)
    "#]]
    .assert_eq(&said);
}
