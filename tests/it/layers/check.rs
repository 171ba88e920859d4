//! The rules, and what breaks them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use syn::Item;
use syn::spanned::Spanned;

use crate::support::crate_source::{CrateSource, Files, has_condition, is_test_only};
use crate::support::imports::{Import, imports};

/// A name, and what the room is for.
pub(super) type Room = (&'static str, &'static str);

/// A room, the files in it (`item` for `run/item.rs`) in alphabetical order, and the reason.
pub(super) type Cycle = (&'static str, &'static [&'static str], &'static str);

/// One sentence for each violation, in the order of the files.
pub(super) fn violations(files: &Files, rooms: &[Room], cycles: &[Cycle]) -> Vec<String> {
    let source = CrateSource::parse(files);
    let mut found = Vec::new();
    let present: BTreeSet<_> = source.modules.iter().map(|module| room_of(&module.file)).collect();
    let level = |room: &str| rooms.iter().position(|(name, _)| *name == room);
    for room in present.iter().filter(|room| level(room).is_none()) {
        found
            .push(format!("`{room}` is not in the table of rooms: add it with its purpose where it belongs"));
    }
    for (room, _) in rooms.iter().filter(|(room, _)| !present.contains(room)) {
        found.push(format!("`{room}` is in the table of rooms, but not in pipeline/src"));
    }
    for file in files.keys().filter(|file| source.modules.iter().all(|module| module.file != **file)) {
        found.push(format!("{file} is not declared by any module"));
    }

    let macros = macros(&source);
    let mut within_rooms = BTreeMap::<&str, Links<'_>>::new();
    let mut by_place = Vec::new();
    for module in source.modules.iter().filter(|module| !is_test_only(&module.attrs)) {
        let file = module.file.as_str();
        let room = room_of(file);
        if let Some((line, what)) = definition(file, &module.items) {
            let kind = if room == "lib" { "`lib.rs`" } else { "a `mod.rs`" };
            let rule = format!("{kind} declares modules and re-exports names, and defines nothing");
            by_place.push((file, line, format!("defines {what}: {rule}")));
        }
        for Import { path, line, calls_macro } in imports(&source, module) {
            let name = path.join("::");
            let Some(target) = defining_file(&source, &path) else {
                if !calls_macro && !macros.contains(&path[0]) {
                    let text = "through the crate root: name the module that defines it";
                    by_place.push((file, line, format!("imports `{}` {text}", path[0])));
                }
                continue;
            };
            let target_room = room_of(target);
            if target_room == room {
                if target != file {
                    let links = within_rooms.entry(room).or_default().entry(file).or_default();
                    links.entry(target).or_insert(line);
                }
            } else if level(target_room) > level(room) && level(room).is_some() {
                let text = format!("but `{target_room}` is above `{room}`: imports point down");
                by_place.push((file, line, format!("imports `{name}`, {text}")));
            }
        }
    }
    by_place.sort();
    by_place.dedup();
    found.extend(by_place.iter().map(|(file, line, text)| format!("{file}:{line} {text}")));
    found.extend(unlisted_cycles(&within_rooms, cycles));
    found
}

/// `run` for `pipeline/src/run/item.rs`, `chain` for `pipeline/src/chain.rs`.
fn room_of(file: &str) -> &str {
    let inside = file.strip_prefix("pipeline/src/").unwrap_or(file);
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// `item` for `pipeline/src/run/item.rs`, `boundary/each` for `pipeline/src/engine/boundary/each.rs`.
fn in_room(file: &str) -> &str {
    let inside = file.splitn(4, '/').nth(3).unwrap_or(file);
    inside.strip_suffix(".rs").unwrap_or(inside)
}

/// The file of the innermost module in the path; none if the path names an item of the root.
fn defining_file<'a>(source: &'a CrateSource, path: &[String]) -> Option<&'a str> {
    let modules = (1..=path.len()).rev().find_map(|length| source.module(&path[..length]));
    modules.map(|module| module.file.as_str())
}

/// The macros of the crate: they can only be named through its root.
fn macros(source: &CrateSource) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for item in source.modules.iter().flat_map(|module| &module.items) {
        match item {
            Item::Macro(item) => names.extend(item.ident.as_ref().map(ToString::to_string)),
            Item::Use(item) => {
                if let syn::UseTree::Path(path) = &item.tree
                    && path.ident == "pipeline_macros"
                    && let syn::UseTree::Name(name) = &*path.tree
                {
                    names.insert(name.ident.to_string());
                }
            }
            _ => {}
        }
    }
    names
}

/// The first definition in a `mod.rs` or `lib.rs`. Modules within it are asked on their own.
fn definition(file: &str, items: &[Item]) -> Option<(usize, &'static str)> {
    if !file.ends_with("/mod.rs") && !file.ends_with("/lib.rs") {
        return None;
    }
    items.iter().find_map(|item| {
        let (attrs, what) = match item {
            Item::Mod(_) | Item::Use(_) => return None,
            Item::Fn(item) => (&item.attrs, "a function"),
            Item::Struct(item) => (&item.attrs, "a type"),
            Item::Enum(item) => (&item.attrs, "a type"),
            Item::Type(item) => (&item.attrs, "a type"),
            Item::Impl(item) => (&item.attrs, "an impl"),
            Item::Trait(item) => (&item.attrs, "a trait"),
            Item::Const(item) => (&item.attrs, "a constant"),
            Item::Static(item) => (&item.attrs, "a static"),
            Item::Macro(item) => (&item.attrs, "a macro"),
            other => return Some((other.span().start().line, "an item")),
        };
        let exempt = has_condition(attrs, "test") || has_condition(attrs, "doctest");
        (!exempt).then(|| (item.span().start().line, what))
    })
}

/// The files that each file imports, with the line.
type Links<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

fn unlisted_cycles(rooms: &BTreeMap<&str, Links<'_>>, listed: &[Cycle]) -> Vec<String> {
    let mut found = Vec::new();
    let mut missing: BTreeSet<_> = listed.iter().map(|(room, files, _)| (*room, files.to_vec())).collect();
    for (room, links) in rooms {
        for circle in circles(links) {
            let names: Vec<_> = circle.iter().map(|file| in_room(file)).collect();
            if !missing.remove(&(*room, names.clone())) {
                let way: Vec<_> = shortest_way_round(links, &circle)
                    .into_iter()
                    .map(|(file, line, target)| format!("{file}:{line} imports `{}`", in_room(target)))
                    .collect();
                let (way, names) = (way.join(", "), names.join(", "));
                let text = format!("the files of `{room}` import each other in a circle: {way}");
                found.push(format!("{text}; the circle as a whole: {names}"));
            }
        }
    }
    found.extend(missing.iter().map(|(room, files)| {
        let files = files.join(", ");
        format!(
            "the files of `{room}` no longer import each other in this circle: {files}; take it off the list"
        )
    }));
    found
}

/// The largest sets of files each of which reaches the others, except for those of a single file.
fn circles<'a>(links: &Links<'a>) -> Vec<BTreeSet<&'a str>> {
    let reached: BTreeMap<_, _> = links.keys().map(|file| (*file, reachable(links, file))).collect();
    let reaches = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mut circles = Vec::<BTreeSet<&str>>::new();
    for file in links.keys().filter(|file| reaches(file, file)) {
        if circles.iter().all(|circle| !circle.contains(file)) {
            let both = |other: &&&str| reaches(file, other) && reaches(other, file);
            circles.push(links.keys().filter(both).copied().collect());
        }
    }
    circles
}

/// The files that can be reached by at least one import.
fn reachable<'a>(links: &Links<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&str> = vec![from];
    while let Some(file) = waiting.pop() {
        for target in links.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(*target) {
                waiting.push(target);
            }
        }
    }
    reached
}

/// The imports of the shortest way from the first file that has one back to itself.
fn shortest_way_round<'a>(links: &Links<'a>, circle: &BTreeSet<&'a str>) -> Vec<(&'a str, usize, &'a str)> {
    let ways = circle.iter().map(|start| {
        let mut waiting = VecDeque::from([(*start, Vec::new())]);
        let mut seen = BTreeSet::new();
        while let Some((file, way)) = waiting.pop_front() {
            for (target, line) in links.get(file).into_iter().flatten() {
                let mut way = way.clone();
                way.push((file, *line, *target));
                if target == start {
                    return way;
                }
                if seen.insert(*target) {
                    waiting.push_back((target, way));
                }
            }
        }
        Vec::new()
    });
    ways.min_by_key(Vec::len).unwrap_or_default()
}
