//! JSON over several lines in which a list of numbers stays on one line: a timeline has a thousand
//! of them, and a pair of times is read as a pair.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter};

/// Serializes as `serde_json::to_string_pretty` does, but for lists of numbers.
///
/// # Errors
/// Those of the serializer.
pub(super) fn to_string<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, NumbersOnOneLine::default()))?;
    String::from_utf8(bytes).map_err(serde::ser::Error::custom)
}

const INDENT: &[u8] = b"  ";

/// The layout while it is written.
#[derive(Debug, Default)]
struct NumbersOnOneLine {
    depth: usize,
    /// The open object has a value already.
    has_value: bool,
    /// For each open list, whether any of its values stands on a line of its own.
    lists: Vec<bool>,
    /// A value of a list follows, and whether it is the first one: its kind says where it goes.
    next: Option<bool>,
}

impl NumbersOnOneLine {
    fn line<W: ?Sized + io::Write>(&self, to: &mut W) -> io::Result<()> {
        to.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| to.write_all(INDENT))
    }

    /// Places a value that stands behind the one before.
    fn beside<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        match self.next.take() {
            Some(false) => to.write_all(b", "),
            _ => Ok(()),
        }
    }

    /// Places a value that stands on a line of its own.
    fn below<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        let Some(is_first) = self.next.take() else { return Ok(()) };
        if let Some(has_lines) = self.lists.last_mut() {
            *has_lines = true;
        }
        if !is_first {
            to.write_all(b",")?;
        }
        self.line(to)
    }
}

/// Numbers stand beside each other.
macro_rules! beside {
    ($($method:ident: $type:ty),+) => {$(
        fn $method<W: ?Sized + io::Write>(&mut self, to: &mut W, value: $type) -> io::Result<()> {
            self.beside(to)?;
            CompactFormatter.$method(to, value)
        }
    )+};
}

impl Formatter for NumbersOnOneLine {
    beside!(
        write_bool: bool, write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64,
        write_i128: i128, write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64,
        write_u128: u128, write_f32: f32, write_f64: f64, write_number_str: &str
    );

    fn write_null<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.beside(to)?;
        CompactFormatter.write_null(to)
    }

    fn begin_string<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.below(to)?;
        to.write_all(b"\"")
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.below(to)?;
        self.depth += 1;
        self.lists.push(false);
        to.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        _: &mut W,
        is_first: bool,
    ) -> io::Result<()> {
        self.next = Some(is_first);
        Ok(())
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.lists.pop() == Some(true) {
            self.line(to)?;
        }
        to.write_all(b"]")
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.below(to)?;
        self.depth += 1;
        self.has_value = false;
        to.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        is_first: bool,
    ) -> io::Result<()> {
        if !is_first {
            to.write_all(b",")?;
        }
        self.line(to)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_value = true;
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_value {
            self.line(to)?;
        }
        to.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn numbers_of_a_list_stand_on_one_line_and_all_else_on_its_own() {
        let value = json!({
            "counts": [1, 2.5, null],
            "empty": [],
            "names": ["a", "b"],
            "none": {},
            "parts": [{"of": [true]}, [[1], []]],
        });
        let expected = r#"{
  "counts": [1, 2.5, null],
  "empty": [],
  "names": [
    "a",
    "b"
  ],
  "none": {},
  "parts": [
    {
      "of": [true]
    },
    [
      [1],
      []
    ]
  ]
}"#;
        assert_eq!(to_string(&value).unwrap(), expected);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(".{0,4}", inner, 0..6)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_same_value_in_as_many_lines_or_fewer(value in any_json()) {
            let text = to_string(&value).unwrap();
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(),
                            serde_json::from_str::<Value>(&pretty).unwrap());
            prop_assert!(text.lines().count() <= pretty.lines().count());
        }
    }
}
