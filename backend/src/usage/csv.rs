//! Tables as files. A cell that a spreadsheet would run as a formula is made plain text.

/// The characters that start a formula in one spreadsheet or another.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Makes a text cell safe to open: one that starts like a formula gets a leading apostrophe.
/// Only for text: a negative number is a number.
#[must_use]
pub fn text(cell: &str) -> String {
    let formula = cell.trim_start_matches(' ').starts_with(FORMULA_STARTS);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

/// Writes a table as RFC 4180 with a header row.
///
/// # Errors
/// Only if the writer runs out of memory or rows differ in length, which is a bug in the caller.
pub fn table(
    header: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> Result<Vec<u8>, csv::Error> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(&row)?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_a_formula_stays_a_name() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|' /C calc'!A0"] {
            assert!(text(bad).starts_with('\''), "{bad:?}");
        }
        assert_eq!(text("Search = good"), "Search = good");
        assert_eq!(text(""), "");
    }

    #[test]
    fn commas_quotes_and_line_breaks_survive_the_file() {
        let file =
            table(&["name", "cost_usd"], [vec!["a,\"b\"\nc".into(), "0.15".into()]]).unwrap();
        assert_eq!(
            String::from_utf8(file.clone()).unwrap(),
            "name,cost_usd\r\n\"a,\"\"b\"\"\nc\",0.15\r\n"
        );
        let mut reader = csv::Reader::from_reader(file.as_slice());
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(&row[0], "a,\"b\"\nc");
    }
}
