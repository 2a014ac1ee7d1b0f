//! What libpq knows and pgchaos does not do: a warning, or a refusal where ignoring it would weaken what was asked for.

use super::error::SettingsError;
use super::keyword::{KEYWORDS, Treatment};
use super::layers::Layers;
use super::warning::Warning;

pub(super) fn check(layers: &Layers, warnings: &mut Vec<Warning>) -> Result<(), SettingsError> {
    for keyword in KEYWORDS {
        let Some(said) = layers.get(keyword.name) else {
            continue;
        };
        let origin = said.origin.clone();
        let is_one_of = |fine: &[&str]| fine.contains(&said.value.to_ascii_lowercase().as_str());
        match keyword.treatment {
            Treatment::WarnUnless(fine, why) if !is_one_of(fine) => {
                warnings.push(Warning::Ignored { keyword: keyword.name, origin, why });
            }
            Treatment::RefuseUnless(fine, why) if !is_one_of(fine) => {
                return Err(SettingsError::Unsupported { keyword: keyword.name, origin, why });
            }
            Treatment::Used
            | Treatment::Harmless
            | Treatment::WarnUnless(..)
            | Treatment::RefuseUnless(..) => {}
        }
    }
    Ok(())
}
