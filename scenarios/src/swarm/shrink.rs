//! A story that fails, made as short as it can be while it breaks the same promise.

use super::{story::Story, trial::Told};
use crate::replay::Medium;

/// Tells a story, whatever may come of it.
pub(super) type Tell<'t> = &'t dyn Fn(&Story) -> Told;

/// The part of a failure that must stay: the invariant's number, or the beginning of another complaint.
fn kind(broken: &str) -> &str {
    let end = broken.find(':').unwrap_or(broken.len());
    &broken[..end]
}

/// How often a story is told at most; by wire each telling may take seconds.
const fn tellings_max(medium: Medium) -> usize {
    match medium {
        Medium::Direct => 3000,
        Medium::Wire => 150,
    }
}

/// Drops lines, many at first, then one by one, until every line counts. How the world comes to rest stays: a story that fails
/// for want of the runs that would have healed it is another story.
pub(super) fn shrunk(story: &Story, broken: &str, medium: Medium, tell: Tell<'_>) -> (Story, String) {
    let mut shortest = (story.clone(), broken.to_owned());
    let mut left = tellings_max(medium);
    loop {
        let length = size(&shortest.0);
        for section in [deeds, firewall, cloud, settings] {
            drop_lines(&mut shortest, section, tell, &mut left);
        }
        if size(&shortest.0) == length || left == 0 {
            return shortest;
        }
    }
}

type Section = fn(&mut Story) -> &mut Vec<String>;

fn deeds(story: &mut Story) -> &mut Vec<String> {
    &mut story.deeds
}

fn firewall(story: &mut Story) -> &mut Vec<String> {
    &mut story.firewall
}

fn cloud(story: &mut Story) -> &mut Vec<String> {
    &mut story.cloud
}

fn settings(story: &mut Story) -> &mut Vec<String> {
    &mut story.settings
}

fn size(story: &Story) -> usize {
    story.deeds.len() + story.firewall.len() + story.cloud.len() + story.settings.len()
}

/// How many of the lines may be dropped, from the first on: all, unless the world comes to rest in the last.
fn droppable(lines: &[String]) -> usize {
    let calm = lines.iter().rposition(|line| line == "calm");
    let Some(calm) = calm.filter(|_| lines.last().is_some_and(|line| line == "settled")) else { return lines.len() };
    let is_unlock = |line: &&String| line.contains(" unlock ");
    calm - lines[..calm].iter().rev().take_while(is_unlock).count()
}

fn drop_lines(shortest: &mut (Story, String), section: Section, tell: Tell<'_>, left: &mut usize) {
    let mut length = droppable(section(&mut shortest.0)).div_ceil(2);
    while length > 0 {
        let mut at = 0;
        while at < droppable(section(&mut shortest.0)) && *left > 0 {
            let mut shorter = shortest.0.clone();
            let lines = section(&mut shorter);
            let end = (at + length).min(droppable(lines));
            lines.drain(at..end);
            *left -= 1;
            let told = tell(&shorter);
            match told.broken {
                Some(broken) if kind(&broken) == kind(&shortest.1) => *shortest = (told.story, broken),
                Some(_) | None => at += length,
            }
        }
        length /= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::tally::Tally;

    /// Breaks the promise as long as both `a` and `b` are there.
    fn tell(story: &Story) -> Told {
        let has = |line: &str| story.deeds.iter().any(|other| other == line);
        let broken = (has("a") && has("b")).then(|| format!("I1: of {} deeds", story.deeds.len()));
        Told { story: story.clone(), broken, tally: Tally::default() }
    }

    #[test]
    fn only_lines_that_count_are_left() {
        let line = |letter: &str| letter.to_owned();
        let story =
            Story { deeds: "xaxxxbxx".split("").map(line).collect(), cloud: vec![line("sg")], ..Story::default() };
        let (shortest, broken) = shrunk(&story, "I1: at first", Medium::Direct, &tell);
        assert_eq!(shortest.deeds, ["a", "b"]);
        assert_eq!(shortest.cloud, Vec::<String>::new());
        assert_eq!(broken, "I1: of 2 deeds");
    }

    #[test]
    fn how_the_world_comes_to_rest_stays() {
        const REST: [&str; 6] = ["admin alice unlock config", "calm", "wait 2m", "schedule", "schedule", "settled"];
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let deeds = lines(&[&["calm", "admin alice lock config", "a", "schedule", "b"][..], &REST].concat());
        let (shortest, _) = shrunk(&Story { deeds, ..Story::default() }, "I1: at first", Medium::Direct, &tell);
        assert_eq!(shortest.deeds, lines(&[&["a", "b"][..], &REST].concat()));
    }
}
