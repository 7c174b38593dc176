//! Text in files as programs and people save it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// A file that holds no text.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It cannot be read.
    #[error("`{path}` cannot be read: {why}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        why: io::Error,
    },
    /// It is larger than anything that it could be.
    #[error("`{path}` is larger than {} MiB: this cannot be meant", .most >> 20)]
    TooLarge {
        /// Which file.
        path: String,
        /// How many bytes it may have.
        most: u64,
    },
    /// Its bytes are no text.
    #[error("`{0}` is not text in UTF-8: save it again, unpacked")]
    NotText(String),
}

/// The text of a file of at most so many bytes, without the mark that some editors put before it. Windows' own shell writes
/// UTF-16, which is read as well.
pub(super) fn text(path: &Path, most: u64) -> Result<String, Unreadable> {
    let name = || path.display().to_string();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|why| Unreadable::Io { path: name(), why })?;
    if bytes.len() as u64 > most {
        return Err(Unreadable::TooLarge { path: name(), most });
    }
    decoded(bytes).ok_or_else(|| Unreadable::NotText(name()))
}

fn decoded(bytes: Vec<u8>) -> Option<String> {
    match bytes.as_slice() {
        [0xff, 0xfe, units @ ..] => utf16(units, u16::from_le_bytes),
        [0xfe, 0xff, units @ ..] => utf16(units, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, text @ ..] => str::from_utf8(text).ok().map(str::to_owned),
        _ => String::from_utf8(bytes).ok(),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks() else { return None };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Option<&str>) {
        assert_eq!(decoded(bytes.to_vec()).as_deref(), expected, "{bytes:?}");
    }

    #[test]
    fn text_is_read_however_it_was_saved() {
        check("é".as_bytes(), Some("é"));
        check(b"\xef\xbb\xbf{}", Some("{}"));
        check(b"\xff\xfe{\0}\0", Some("{}"));
        check(b"\xfe\xff\0{\0}", Some("{}"));
        check(b"", Some(""));
        check(b"\xff\xfe{\0}", None);
        check(b"\xff\xfe\0\xd8", None);
        check(b"\xe9", None);
        check(b"\xef\xbb\xbf\xe9", None);
    }

    #[test]
    fn what_cannot_be_a_text_is_said_with_the_name_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.xml");
        let said = |most| text(&path, most).unwrap_err().to_string().replace(&path.display().to_string(), "a.xml");
        assert_eq!(said(9), "`a.xml` cannot be read: No such file or directory (os error 2)");
        std::fs::write(&path, vec![b'x'; 10 << 20]).unwrap();
        assert_eq!(said(9 << 20), "`a.xml` is larger than 9 MiB: this cannot be meant");
        assert_eq!(text(&path, 10 << 20).unwrap().len(), 10 << 20);
        std::fs::write(&path, b"\x1f\x8b\x08\0").unwrap();
        assert_eq!(said(9), "`a.xml` is not text in UTF-8: save it again, unpacked");
        assert!(text(directory.path(), 9).unwrap_err().to_string().contains("cannot be read: "));
    }
}
