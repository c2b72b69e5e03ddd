//! The start page.

pub const TITLE: &str = "One gate to every model";
pub const LEAD: &str = "Tollgate stands between your apps and the models they call. Keep the SDK you have, change \
     the address, and every call is checked, limited, metered and priced to the nano-dollar.";
pub const START: &str = "Create an account";
pub const LOOK: &str = "See the catalogue";
pub const SAMPLE: &str = "A call, as you already know it";
pub const SAMPLE_NOTE: &str = "The only line that changes is the address.";

/// What it does: heading and sentence.
pub const POINTS: [(&str, &str); 4] = [
    (
        "Keys that can be lost",
        "A key belongs to an app, is shown once, and is refused everywhere within a second of \
         being revoked.",
    ),
    (
        "Limits that hold",
        "Every call reserves what it may cost before it runs. A budget is a wall, not a warning \
         that arrives tomorrow.",
    ),
    (
        "Numbers that add up",
        "Dashboard, report and bill read one ledger. Each answered call is in it exactly once.",
    ),
    (
        "Your SDK, untouched",
        "Speaks the dialect your code speaks, streamed or not. Fields we do not know pass through.",
    ),
];
