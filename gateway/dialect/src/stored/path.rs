//! Where in a body something stands, as a caller would write it.

use std::fmt;

#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The member's name; none of an item or of the whole body.
    pub(super) const fn name(&self) -> Option<&'a str> {
        match self {
            Self::Member(_, name) => Some(name),
            Self::Root | Self::Item(..) => None,
        }
    }

    pub(super) const fn parent(&self) -> &Self {
        match self {
            Self::Root => self,
            Self::Member(parent, _) | Self::Item(parent, _) => parent,
        }
    }

    /// Whether this is a member of the body itself.
    pub(super) const fn is_top(&self) -> bool {
        matches!(self, Self::Member(Path::Root, _))
    }

    /// Whether this is an item of the body's member `name`.
    pub(super) fn is_item_of(&self, name: &str) -> bool {
        matches!(self, Self::Item(list, _) if list.is_top() && list.name() == Some(name))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Path::Root, name) => f.write_str(name),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, n) => write!(f, "{parent}[{n}]"),
        }
    }
}
