//! All names that callers may send, where each leads, and what a change of that would do. No I/O.

use contract::Timestamp;
use contract::id::{AliasId, ModelId};
use contract::snapshot::{LEADS_MAX, Lead, Lifecycle, PIN};
use std::collections::{HashMap, HashSet};

/// What has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    Model(ModelId),
    Alias(AliasId),
}

/// A name.
#[derive(Debug, Clone)]
pub struct Name {
    pub node: Node,
    pub text: String,
    /// Absent of a model: to itself.
    pub lead: Option<Lead>,
    /// Where it is to lead from when on.
    pub next: Option<(Timestamp, Lead)>,
    /// Of a model.
    pub state: Option<Lifecycle>,
    /// Labels of its versions.
    pub versions: Vec<(String, Lifecycle)>,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Names {
    all: Vec<Name>,
    by_text: HashMap<String, usize>,
    by_node: HashMap<Node, usize>,
}

/// Where a name leads in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End<'a> {
    pub model: &'a Name,
    pub id: ModelId,
    /// The first model on the way there.
    pub first: ModelId,
    /// The label of the version that answers.
    pub version: Option<&'a str>,
    /// No other version may.
    pub is_pinned: bool,
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node
    }
}
impl Eq for Name {}

/// What leads to `node` in one step.
const fn target(lead: &Lead) -> Node {
    match lead {
        Lead::Model { id, .. } => Node::Model(*id),
        Lead::Alias { id } => Node::Alias(*id),
    }
}

impl Names {
    #[must_use]
    pub fn of(all: Vec<Name>) -> Self {
        let by_text = all.iter().enumerate().map(|(at, one)| (one.text.clone(), at)).collect();
        let by_node = all.iter().enumerate().map(|(at, one)| (one.node, at)).collect();
        Self { all, by_text, by_node }
    }

    #[must_use]
    pub fn find(&self, text: &str) -> Option<&Name> {
        self.by_text.get(text).and_then(|at| self.all.get(*at))
    }

    #[must_use]
    pub fn get(&self, node: Node) -> Option<&Name> {
        self.by_node.get(&node).and_then(|at| self.all.get(*at))
    }

    /// A lead in words: `chat`, `chat@v2`.
    #[must_use]
    pub fn spell(&self, lead: &Lead) -> String {
        let name = self.get(target(lead)).map_or("?", |name| name.text.as_str());
        match lead {
            Lead::Model { version: Some(label), .. } => format!("{name}{PIN}{label}"),
            _ => name.to_owned(),
        }
    }

    /// Reads a lead for `subject`; nothing: for a new alias.
    ///
    /// # Errors
    /// In words: no such name or version, or one that takes no calls.
    pub fn read(&self, subject: Option<Node>, text: &str) -> Result<Lead, String> {
        let (name, label) = match text.split_once(PIN) {
            Some((name, label)) => (name, Some(label)),
            None => (text, None),
        };
        let known = self.find(name).ok_or_else(|| {
            let shown: String = name.chars().take(100).collect();
            format!("There is no model and no alias `{shown}`.")
        })?;
        let id = match known.node {
            Node::Alias(_) if label.is_some() => {
                return Err("A version is named of a model, not of an alias.".to_owned());
            }
            Node::Alias(_) if matches!(subject, Some(Node::Model(_))) => {
                return Err(format!("`{name}` is an alias: a model's name leads to a model."));
            }
            Node::Alias(id) => return Ok(Lead::Alias { id }),
            Node::Model(id) => id,
        };
        let state = known.state.unwrap_or(Lifecycle::Draft);
        let is_own = subject == Some(known.node);
        if !takes_calls(state) && !is_own {
            return Err(format!("`{name}` is {}, and takes no calls.", state.as_str()));
        }
        let Some(label) = label else { return Ok(Lead::Model { id, version: None }) };
        let version = known.versions.iter().find(|(one, _)| one == label);
        match version {
            None => {
                let shown: String = label.chars().take(40).collect();
                Err(format!("`{name}` has no version `{shown}`."))
            }
            Some((_, state)) if !takes_calls(*state) => {
                Err(format!("The version `{label}` is {}, and takes no calls.", state.as_str()))
            }
            Some(_) => Ok(Lead::Model { id, version: Some(label.to_owned()) }),
        }
    }

    /// These names with another lead of `subject`, now or from an instant on.
    #[must_use]
    pub fn with(mut self, subject: Node, lead: Lead, from: Option<Timestamp>) -> Self {
        if let Some(name) = self.by_node.get(&subject).and_then(|at| self.all.get_mut(*at)) {
            match from {
                None => (name.lead, name.next) = (Some(lead), None),
                Some(at) => name.next = Some((at, lead)),
            }
        }
        self
    }

    /// The first circle there is, or would be once what is scheduled happens: `a → b → a`; or a
    /// way that is too long.
    ///
    /// # Errors
    /// In words.
    pub fn check(&self) -> Result<(), String> {
        let mut instants: Vec<Timestamp> =
            self.all.iter().filter_map(|name| Some(name.next.as_ref()?.0)).collect();
        instants.sort_unstable();
        let instants = std::iter::once(None).chain(instants.into_iter().map(Some));
        for at in instants {
            for name in &self.all {
                self.check_from(name, at)?;
            }
        }
        Ok(())
    }

    fn check_from(&self, first: &Name, at: Option<Timestamp>) -> Result<(), String> {
        let (mut name, mut way, mut seen) = (first, vec![first.text.as_str()], HashSet::new());
        seen.insert(first.node);
        while let Some(next) = self.step(name, at) {
            way.push(&next.text);
            if !seen.insert(next.node) {
                let when = at.map_or_else(String::new, |at| format!(" from {at} on"));
                return Err(format!("That makes a circle{when}: {}.", way.join(" → ")));
            }
            if way.len() > LEADS_MAX {
                return Err(format!("The way is too long: {}.", way.join(" → ")));
            }
            name = next;
        }
        Ok(())
    }

    /// The next name on the way; nothing at its end.
    fn step(&self, name: &Name, at: Option<Timestamp>) -> Option<&Name> {
        let lead = Self::lead(name, at)?;
        let is_end = match lead {
            Lead::Model { id, version } => version.is_some() || name.node == Node::Model(*id),
            Lead::Alias { .. } => false,
        };
        (!is_end).then(|| self.get(target(lead)))?
    }

    fn lead(name: &Name, at: Option<Timestamp>) -> Option<&Lead> {
        let next = name.next.as_ref().filter(|(from, _)| at.is_some_and(|at| *from <= at));
        next.map(|(_, lead)| lead).or(name.lead.as_ref())
    }

    /// Where a name leads in the end, by what is done.
    #[must_use]
    pub fn end(&self, node: Node) -> Option<End<'_>> {
        self.end_at(node, None)
    }

    /// The same at an instant, by what is scheduled too.
    #[must_use]
    pub fn end_at(&self, node: Node, at: Option<Timestamp>) -> Option<End<'_>> {
        let mut name = self.get(node)?;
        let mut first = None;
        for _ in 0..=LEADS_MAX {
            let lead = Self::lead(name, at);
            let own = match name.node {
                Node::Model(id) => Some(id),
                Node::Alias(_) => None,
            };
            first = first.or(own);
            let end = |model, id, version, is_pinned| {
                let first = first.unwrap_or(id);
                End { model, id, first, version, is_pinned }
            };
            match (lead, own) {
                (None, Some(id)) => return Some(end(name, id, None, false)),
                (Some(Lead::Model { id, version }), Some(own)) if *id == own => {
                    return Some(end(name, own, version.as_deref(), false));
                }
                (Some(Lead::Model { id, version: Some(label) }), _) => {
                    return Some(end(self.get(Node::Model(*id))?, *id, Some(label), true));
                }
                (Some(lead), _) => name = self.get(target(lead))?,
                (None, None) => return None,
            }
        }
        None
    }

    /// The aliases that lead to a model in the end, by name.
    #[must_use]
    pub fn aliases_of(&self, model: ModelId) -> Vec<String> {
        let is_alias = |name: &&Name| matches!(name.node, Node::Alias(_));
        let leads = |name: &&Name| self.end(name.node).is_some_and(|end| end.id == model);
        let aliases = self.all.iter().filter(is_alias).filter(leads);
        let mut aliases: Vec<_> = aliases.map(|name| name.text.clone()).collect();
        aliases.sort_unstable();
        aliases
    }

    /// A name that leads, or is to lead, to another in one step.
    #[must_use]
    pub fn straight_to(&self, node: Node) -> Option<&str> {
        let leads = |name: &&Name| {
            let next = name.next.as_ref().map(|(_, lead)| lead);
            name.node != node && name.lead.iter().chain(next).any(|lead| target(lead) == node)
        };
        self.all.iter().find(leads).map(|name| name.text.as_str())
    }

    /// The other names whose calls would be lost with a model, or with one version of it: those
    /// that lead to it, now or by what is scheduled.
    #[must_use]
    pub fn lost_with(&self, model: ModelId, label: Option<&str>) -> Vec<&str> {
        let lost = |at: Option<Timestamp>, name: &Name| {
            let end = self.end_at(name.node, at);
            let is_it = |end: End<'_>| end.id == model && (label.is_none() || end.version == label);
            end.is_some_and(is_it)
        };
        let is_other = |name: &&Name| label.is_some() || name.node != Node::Model(model);
        let instants = self.all.iter().filter_map(|name| Some(Some(name.next.as_ref()?.0)));
        let instants: Vec<_> = std::iter::once(None).chain(instants).collect();
        let names = self.all.iter().filter(is_other);
        let names = names.filter(|name| instants.iter().any(|at| lost(*at, name)));
        names.map(|name| name.text.as_str()).collect()
    }
}

/// Whether calls come to what is in this state.
#[must_use]
pub const fn takes_calls(state: Lifecycle) -> bool {
    matches!(state, Lifecycle::Active | Lifecycle::Deprecated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn model(n: u128) -> Node {
        Node::Model(ModelId(Uuid::from_u128(n)))
    }

    fn alias(n: u128) -> Node {
        Node::Alias(AliasId(Uuid::from_u128(n)))
    }

    fn to(node: Node, version: Option<&str>) -> Lead {
        match node {
            Node::Model(id) => Lead::Model { id, version: version.map(str::to_owned) },
            Node::Alias(id) => Lead::Alias { id },
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    fn name(node: Node, text: &str, lead: Option<Lead>) -> Name {
        let state = matches!(node, Node::Model(_)).then_some(Lifecycle::Active);
        let versions = vec![
            ("v1".to_owned(), Lifecycle::Deprecated),
            ("v2".to_owned(), Lifecycle::Active),
            ("v3".to_owned(), Lifecycle::Draft),
        ];
        Name { node, text: text.to_owned(), lead, next: None, state, versions }
    }

    /// Two models; `best` leads to `a`, `best` is what `chat` leads to.
    fn names() -> Names {
        Names::of(vec![
            name(model(1), "a", None),
            name(model(2), "b", None),
            name(alias(1), "best", Some(to(model(1), None))),
            name(alias(2), "chat", Some(to(alias(1), None))),
        ])
    }

    #[test]
    fn a_name_leads_to_a_model_through_aliases_and_moves() {
        let end = |names: &Names, node| {
            let end = names.end(node).unwrap();
            (end.model.text.clone(), end.version.map(str::to_owned), end.is_pinned)
        };
        let names = names();
        assert_eq!(end(&names, alias(2)), ("a".into(), None, false));
        assert_eq!(names.aliases_of(ModelId(Uuid::from_u128(1))), ["best", "chat"]);
        let moved = names.clone().with(model(1), to(model(2), None), None);
        assert_eq!(end(&moved, alias(2)), ("b".into(), None, false));
        let used = moved.with(model(2), to(model(2), Some("v2")), None);
        assert_eq!(end(&used, alias(2)), ("b".into(), Some("v2".into()), false));
        let pinned = used.with(alias(1), to(model(2), Some("v1")), None);
        assert_eq!(end(&pinned, alias(2)), ("b".into(), Some("v1".into()), true));
    }

    #[test]
    fn a_circle_is_found_with_its_names_also_one_that_is_yet_to_come() {
        let names = names();
        assert_eq!(names.check(), Ok(()));
        // To itself is a circle, but of a model its usual way.
        let own = names.clone().with(alias(1), to(alias(1), None), None);
        assert_eq!(own.check().unwrap_err(), "That makes a circle: best → best.");
        let own = names.clone().with(model(1), to(model(1), Some("v1")), None);
        assert_eq!(own.check(), Ok(()));
        let circle = names.clone().with(alias(1), to(alias(2), None), None);
        assert_eq!(circle.check().unwrap_err(), "That makes a circle: best → chat → best.");
        let models = names.clone().with(model(1), to(model(2), None), Some(at(10)));
        assert_eq!(models.check(), Ok(()));
        // Alone each is well; together they are not, from the second instant on.
        let later = models.clone().with(model(2), to(model(1), None), Some(at(20)));
        let told = later.check().unwrap_err();
        assert_eq!(told, "That makes a circle from 1970-01-01 00:00:20 UTC on: a → b → a.");
    }

    #[test]
    fn a_way_of_too_many_names_is_refused() {
        let mut all = vec![name(model(1), "m", None)];
        for n in 1..=12 {
            let lead = if n == 1 { to(model(1), None) } else { to(alias(n - 1), None) };
            all.push(name(alias(n), &format!("a{n}"), Some(lead)));
        }
        assert!(Names::of(all).check().unwrap_err().starts_with("The way is too long: a8 → a7"));
    }

    #[test]
    fn a_lead_is_read_with_what_is_wrong_in_words() {
        let names = names();
        let read = |text: &str| names.read(None, text);
        assert_eq!(read("a"), Ok(to(model(1), None)));
        assert_eq!(read("b@v1"), Ok(to(model(2), Some("v1"))));
        assert_eq!(read("best"), Ok(to(alias(1), None)));
        for (text, told) in [
            ("c", "There is no model and no alias `c`."),
            ("a@v9", "`a` has no version `v9`."),
            ("a@v3", "The version `v3` is draft, and takes no calls."),
            ("best@v1", "A version is named of a model, not of an alias."),
        ] {
            assert_eq!(read(text).unwrap_err(), told);
        }
        let told = names.read(Some(model(1)), "best").unwrap_err();
        assert_eq!(told, "`best` is an alias: a model's name leads to a model.");
    }

    #[test]
    fn what_would_be_lost_with_a_model_or_a_version_is_named() {
        let names = names().with(model(2), to(model(2), Some("v2")), None);
        let (a, b) = (ModelId(Uuid::from_u128(1)), ModelId(Uuid::from_u128(2)));
        assert_eq!(names.lost_with(a, None), ["best", "chat"]);
        assert_eq!(names.lost_with(b, Some("v2")), ["b"]);
        assert!(names.lost_with(b, Some("v1")).is_empty());
        let planned = names.with(alias(2), to(model(2), Some("v1")), Some(at(5)));
        assert_eq!(planned.lost_with(b, Some("v1")), ["chat"]);
    }
}
