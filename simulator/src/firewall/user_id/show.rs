//! What is registered, as operational commands show it.

use super::{
    super::answer::result,
    tags::{Keeping, Named, TagStore, Tagged},
};
use crate::xml::Element;

/// The answer to `show object registered-ip` or `registered-user`: filtered, counted or in pages, as the query says.
pub(super) fn registered<K: Ord + Clone + Named>(
    store: &TagStore<K>,
    vsys: &str,
    query: &Element,
    attribute: &str,
) -> Element {
    let inner = query.child("all").unwrap_or(query);
    let text = |name: &str| query.child_text(name).or_else(|| inner.child_text(name)).filter(|text| !text.is_empty());
    let owner = text(attribute);
    let tag = query.child("tag").and_then(|tag| tag.children.first()).and_then(|entry| entry.attribute("name"));
    let is_meant = |(name, tagged): &(&K, &Tagged)| {
        owner.is_none_or(|owner| owner == name.name()) && tag.is_none_or(|tag| tagged.has(tag))
    };
    let meant: Vec<_> = store.of(vsys).filter(is_meant).collect();
    if text("option") == Some("count") {
        return result([Element::text("count", meant.len().to_string())]);
    }
    let number = |name: &str| text(name).and_then(|number| number.parse::<usize>().ok());
    // The first one is number 1.
    let skipped = number("start-point").unwrap_or(1).saturating_sub(1);
    let page = meant.into_iter().skip(skipped).take(number("limit").unwrap_or(usize::MAX));
    let entries: Vec<_> = page.map(|(owner, tagged)| entry(owner.name(), tagged, attribute)).collect();
    let count = Element::text("count", entries.len().to_string());
    result(entries.into_iter().chain([count]))
}

fn entry(name: &str, tagged: &Tagged, attribute: &str) -> Element {
    let persistent = if tagged.keeping == Keeping::Persistent { "1" } else { "0" };
    let tags = Element::new("tag").with_all(tagged.names().map(|name| Element::text("member", name)));
    let entry = Element::new("entry").with_attribute(attribute, name).with_attribute("from_agent", "0");
    entry.with_attribute("persistent", persistent).with(tags)
}
