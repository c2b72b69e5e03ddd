//! The few parts that need the browser's help. Each renders something useful without it; what
//! only works with JavaScript carries the class `needs-js` and stays hidden until it runs.

mod browser;
mod copy;
mod first_call;
mod theme;

pub use copy::CopyButton;
pub use first_call::{FIRST_CALL_SEEN, FirstCall};
pub use theme::{THEME_COOKIE, ThemeToggle};
