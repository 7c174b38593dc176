//! Rules in columns, as firewalls show them.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Detail, WIDTH, wrapped};

/// What the columns of a rule are called.
const HEADER: [&str; COLUMNS] = ["name", "from", "to", "source", "destination", "application", "service"];

/// How many columns a rule has.
pub(super) const COLUMNS: usize = 7;

/// Left of the first column: two blanks, the mark and a blank.
const INDENT: usize = 4;

/// No column but that of names is made narrower than this to fit: `application-default` breaks well there.
const NARROWEST: usize = 12;

/// The column of names, which are never broken.
const NAME: usize = 0;

/// The column of services, which is the first to be broken within a member.
const SERVICE: usize = COLUMNS - 1;

/// How many members of a cell are shown in brief.
const MEMBERS: usize = 4;

/// What becomes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is added.
    Added,
    /// It is written again.
    Rewritten,
    /// It is moved.
    Moved,
    /// It is deleted.
    Deleted,
}

impl Mark {
    /// As it stands before a line, and in which style.
    pub(super) fn sign(self) -> (char, Style) {
        let (sign, colour) = match self {
            Self::Added => ('+', AnsiColor::Green),
            Self::Rewritten => ('~', AnsiColor::Yellow),
            Self::Moved => ('^', AnsiColor::Cyan),
            Self::Deleted => ('-', AnsiColor::Red),
        };
        (sign, Style::new().fg_color(Some(colour.into())))
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// What becomes of it.
    pub(super) mark: Mark,
    /// The members of each cell.
    pub(super) cells: [Vec<String>; COLUMNS],
    /// Why.
    pub(super) reason: Option<String>,
}

/// The rows below a header. Long cells take several lines; names are never broken.
pub(super) fn columns(rows: &[Row], detail: Detail) -> String {
    let shown: Vec<_> = rows.iter().map(|row| row.cells.each_ref().map(|cell| abridged(cell, detail))).collect();
    let layout = Layout::of(&shown);
    let mut text = String::new();
    let header = HEADER.map(|name| vec![name.to_owned()]);
    push(&mut text, None, &header, &layout);
    for (row, cells) in rows.iter().zip(&shown) {
        let lines: [Vec<String>; COLUMNS] = std::array::from_fn(|column| broken(&cells[column], layout.widths[column]));
        push(&mut text, Some(row.mark), &lines, &layout);
        if let Some(reason) = &row.reason {
            let dim = Style::new().dimmed();
            let _ = writeln!(text, "{dim}{}{dim:#}", wrapped(reason, INDENT + 2, INDENT + 2));
        }
    }
    text
}

fn abridged(members: &[String], detail: Detail) -> Vec<String> {
    match detail {
        Detail::Brief if members.len() > MEMBERS + 1 => {
            let more = format!("and {} more", members.len() - MEMBERS);
            members[..MEMBERS].iter().cloned().chain([more]).collect()
        }
        Detail::Brief | Detail::Whole => members.to_vec(),
    }
}

/// How columns are laid out.
struct Layout {
    widths: [usize; COLUMNS],
    /// Between two columns.
    gap: usize,
}

impl Layout {
    /// As wide as the widest cells if these fit; otherwise the columns move together, then long cells are broken: between
    /// members, then services, then within addresses.
    fn of(rows: &[[Vec<String>; COLUMNS]]) -> Self {
        let widest = |column: usize, width: fn(&[String]) -> usize| {
            let cells = rows.iter().map(|row| width(&row[column]));
            cells.max().unwrap_or_default().max(HEADER[column].len())
        };
        let whole: [usize; COLUMNS] =
            std::array::from_fn(|column| widest(column, |cell| cell.join(",").chars().count()));
        let by_member: [usize; COLUMNS] = std::array::from_fn(|column| widest(column, longest));
        let narrow = |column: usize| match column {
            NAME => by_member[column],
            _ => by_member[column].min(NARROWEST.max(HEADER[column].len())),
        };
        let service: [usize; COLUMNS] =
            std::array::from_fn(|column| if column == SERVICE { narrow(column) } else { by_member[column] });
        let room = |gap: usize| WIDTH - INDENT - gap * (COLUMNS - 1);
        let mut layout = Self { widths: whole, gap: 2 };
        if layout.total() > room(2) {
            layout.gap = 1;
            for least in [by_member, service, std::array::from_fn(narrow)] {
                layout.shrink(room(1), &least);
            }
        }
        layout
    }

    fn total(&self) -> usize {
        self.widths.iter().sum()
    }

    /// Takes from the widest columns what does not fit, as far as each can give.
    fn shrink(&mut self, room: usize, least: &[usize; COLUMNS]) {
        while self.total() > room {
            let can_give = (0..COLUMNS).filter(|column| self.widths[*column] > least[*column]);
            let Some(widest) = can_give.max_by_key(|column| self.widths[*column]) else { break };
            self.widths[widest] -= 1;
        }
    }
}

/// The longest member of a cell, with the comma behind it.
fn longest(members: &[String]) -> usize {
    let comma = usize::from(members.len() > 1);
    members.iter().map(|member| member.chars().count() + comma).max().unwrap_or_default()
}

/// The members of a cell in lines of that width: broken between members, and within one only where it is too long.
fn broken(members: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let comma = if index + 1 < members.len() && !members[index + 1].starts_with("and ") { "," } else { "" };
        let piece = format!("{member}{comma}");
        match lines.last_mut() {
            Some(line) if line.ends_with(',') && line.chars().count() + piece.chars().count() <= width => {
                line.push_str(&piece);
            }
            Some(_) | None => lines.extend(pieces(&piece, width)),
        }
    }
    lines
}

/// A text in pieces of at most that width, if possible after a sign at which one would break it by hand.
fn pieces(text: &str, width: usize) -> Vec<String> {
    let (mut pieces, mut rest): (Vec<String>, Vec<char>) = (Vec::new(), text.chars().collect());
    while rest.len() > width {
        let sign = rest[..width].iter().rposition(|c| matches!(c, '-' | ':' | '.' | '/' | ' ' | '_'));
        let tail = rest.split_off(sign.map_or(width, |at| at + 1));
        pieces.push(rest.into_iter().collect());
        rest = tail;
    }
    pieces.push(rest.into_iter().collect());
    pieces
}

/// One rule, or the header, on as many lines as its longest cell takes.
fn push(text: &mut String, mark: Option<Mark>, cells: &[Vec<String>; COLUMNS], layout: &Layout) {
    let style = mark.map_or(Style::new().bold(), |mark| mark.sign().1);
    for line in 0..cells.iter().map(Vec::len).max().unwrap_or_default() {
        let sign = mark.filter(|_| line == 0).map_or(' ', |mark| mark.sign().0);
        let part = |column: usize| cells[column].get(line).map_or("", String::as_str);
        let padded = |column: usize| format!("{:width$}", part(column), width = layout.widths[column] + layout.gap);
        let rest: String = (NAME + 1..COLUMNS).map(padded).collect();
        let name = format!("{sign} {}", padded(NAME));
        if mark.is_some() {
            let _ = writeln!(text, "  {style}{name}{style:#}{}", rest.trim_end());
        } else {
            let _ = writeln!(text, "  {style}{name}{}{style:#}", rest.trim_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn row(cells: [&str; COLUMNS]) -> Row {
        let cells = cells.map(|cell| cell.split_whitespace().map(str::to_owned).collect());
        Row { mark: Mark::Added, cells, reason: Some("somebody wants it".into()) }
    }

    #[track_caller]
    fn check(rows: &[Row], detail: Detail, expected: &Expect) {
        let text = anstream::adapter::strip_str(&columns(rows, detail)).to_string();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        // What an expectation indents every line by would be lost without one that is not indented.
        expected.assert_eq(&format!("changes:\n{text}"));
    }

    #[test]
    fn cells_are_aligned() {
        let narrow = row(["sg-1-1", "untrust", "trust", "any", "10.0.0.4 10.0.0.5", "ssl", "application-default"]);
        let deleted = Row {
            mark: Mark::Deleted,
            reason: None,
            ..row(["i-1-10", "untrust", "trust", "any", "10.0.0.6", "any", "tcp_1"])
        };
        check(
            &[narrow, deleted],
            Detail::Brief,
            &expect![[r#"
                changes:
                    name    from     to     source  destination        application  service
                  + sg-1-1  untrust  trust  any     10.0.0.4,10.0.0.5  ssl          application-default
                      somebody wants it
                  - i-1-10  untrust  trust  any     10.0.0.6           any          tcp_1
            "#]],
        );
    }

    #[test]
    fn what_does_not_fit_takes_several_lines() {
        let many = "192.0.2.0/24 198.51.100.0/24 203.0.113.0/25 203.0.113.128/26 203.0.113.192/27 203.0.113.224/28";
        let rows = [
            row([
                "sg-0123456789abcdef0-12",
                "untrust",
                "trust",
                many,
                "10.0.0.4",
                "web-browsing",
                "application-default",
            ]),
            row([
                "sg-0123456789abcdef0-13",
                "untrust",
                "trust",
                "2001:db8:1234:5678::/64",
                "2001:db8:1234:5678:9abc:def0:1234:5678",
                "ssl",
                "application-default",
            ]),
        ];
        check(
            &rows[..1],
            Detail::Brief,
            &expect![[r#"
                changes:
                    name                    from    to    source            destination application  service
                  + sg-0123456789abcdef0-12 untrust trust 192.0.2.0/24,     10.0.0.4    web-browsing application-
                                                          198.51.100.0/24,                           default
                                                          203.0.113.0/25,
                                                          203.0.113.128/26
                                                          and 2 more
                      somebody wants it
            "#]],
        );
        check(
            &rows,
            Detail::Brief,
            &expect![[r#"
                changes:
                    name                    from    to    source           destination     application  service
                  + sg-0123456789abcdef0-12 untrust trust 192.0.2.0/24,    10.0.0.4        web-browsing application-
                                                          198.51.100.0/24,                              default
                                                          203.0.113.0/25,
                                                          203.0.113.128/26
                                                          and 2 more
                      somebody wants it
                  + sg-0123456789abcdef0-13 untrust trust 2001:db8:1234:   2001:db8:1234:  ssl          application-
                                                          5678::/64        5678:9abc:def0:              default
                                                                           1234:5678
                      somebody wants it
            "#]],
        );
        check(
            &rows[..1],
            Detail::Whole,
            &expect![[r#"
                changes:
                    name                    from    to    source            destination application  service
                  + sg-0123456789abcdef0-12 untrust trust 192.0.2.0/24,     10.0.0.4    web-browsing application-
                                                          198.51.100.0/24,                           default
                                                          203.0.113.0/25,
                                                          203.0.113.128/26,
                                                          203.0.113.192/27,
                                                          203.0.113.224/28
                      somebody wants it
            "#]],
        );
    }
}
