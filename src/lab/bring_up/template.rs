//! Fills in `cluster/patroni.yml`, as `cluster/start-patroni` does it in a container.

use std::collections::BTreeMap;

use crate::lab::error::LabError;

/// `template` with `${NAME}` replaced by the value of that name.
///
/// # Errors
/// When a value is missing, or a brace is.
pub(in crate::lab) fn fill(
    template: &str,
    values: &BTreeMap<&'static str, String>,
) -> Result<String, LabError> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) =
            after.split_once('}').ok_or_else(|| LabError::Template("}".to_owned()))?;
        let value = values.get(name).ok_or_else(|| LabError::Template(name.to_owned()))?;
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_replaced_and_a_missing_one_is_told() {
        let values = BTreeMap::from([("A", "1".to_owned()), ("B", "${A}".to_owned())]);
        assert_eq!(fill("x ${A} ${B}${A} $A", &values).unwrap(), "x 1 ${A}1 $A");
        assert!(fill("${C}", &values).unwrap_err().to_string().contains('C'));
        assert!(fill("${A", &values).is_err());
    }
}
