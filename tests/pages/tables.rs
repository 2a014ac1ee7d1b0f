//! The tables of a page, read back from its markup: maud writes each element in one form.

/// A table of texts.
#[derive(Debug)]
pub struct Table {
    pub caption: String,
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The cells of a column, by the words above it.
    pub fn column(&self, name: &str) -> Vec<&str> {
        let at = self.head.iter().position(|head| head == name);
        let at =
            at.unwrap_or_else(|| panic!("{}: no column {name}: {:?}", self.caption, self.head));
        self.rows.iter().map(|row| row[at].as_str()).collect()
    }
}

/// Every table of a page, in order.
pub fn tables(page: &str) -> Vec<Table> {
    let table = |text: &str| {
        let rows: Vec<&str> = inside(text, "tr");
        Table {
            caption: inside(text, "caption").first().map(|text| plain(text)).unwrap_or_default(),
            head: inside(text, "th").into_iter().map(plain).collect(),
            rows: rows.iter().skip(1).map(|row| cells(row)).collect(),
        }
    };
    inside(page, "table").into_iter().map(table).collect()
}

fn cells(row: &str) -> Vec<String> {
    inside(row, "td").into_iter().map(plain).collect()
}

/// What is between the opening and the closing of each element of this name.
pub fn inside<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(&open) {
        rest = &rest[at + open.len()..];
        // `<th` is also how `<thead` begins.
        if !rest.starts_with(['>', ' ']) {
            continue;
        }
        let (_, after) = rest.split_once('>').unwrap();
        let (content, after) = after.split_once(&close).unwrap();
        found.push(content);
        rest = after;
    }
    found
}

/// The text of an element without the markup in it.
pub fn plain(markup: &str) -> String {
    let mut text = String::new();
    let mut rest = markup;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        rest = after.split_once('>').unwrap().1;
    }
    text.push_str(rest);
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter))
}
