//! The kit: small components on native elements, each owning its classes in `style/main.css`.
//! They take values, draw, and know neither pages nor the control API.

mod badge;
mod button;
mod card;
mod code;
mod empty;
mod field;
mod form;
mod heading;
mod icon;
mod list;
mod notice;
mod overlay;
mod stat;
mod state;
mod steps;
mod table;
mod tabs;
mod value;

pub use badge::{Badge, Tone};
pub use button::{ActionButton, Button, LinkButton, Look};
pub use card::{Card, Columns};
pub use code::{CodeBlock, Copyable, Sample, Samples};
pub use empty::EmptyState;
pub use field::{Checkbox, Choice, Field, Hidden, Select, TextArea};
pub use form::{Form, SearchForm};
pub use heading::{Breadcrumb, Crumb, PageHead, Section};
pub use icon::{Icon, Logo, Sign};
pub use list::{Fact, Facts};
pub use notice::Notice;
pub use overlay::{Details, Dialog, DialogButton};
pub use stat::{Meter, StatTile, Stats};
pub use state::{Disabled, State, StateBadge};
pub use steps::{Step, StepState, Steps};
pub use table::{Cell, CellKind, DataTable, NextPage};
pub use tabs::{Tab, Tabs};
pub use value::{Ago, Count, Day, Instant, Money, Second};
