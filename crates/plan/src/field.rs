//! Requirements on fields: a path and what is asked of the value there (API reference, section 3.2).

use portolan_api::choreography::selector::{FieldOperator, FieldSelectorRequirement};
use portolan_expr::{Path, PathError};
use serde_json::Value;

use crate::golang;

/// A requirement on a field, its path parsed.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    requirement: FieldSelectorRequirement,
    path: Result<Path, PathError>,
}

/// Why a field requirement cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unable to match field requirement with key [{key}] operator [{operator:?}] values [{values}]: {cause}"
)]
pub(crate) struct FieldError {
    key: String,
    operator: FieldOperator,
    values: String,
    cause: PathError,
}

impl Field {
    pub(crate) fn new(requirement: FieldSelectorRequirement) -> Self {
        let path = Path::parse(&requirement.key);
        Self { requirement, path }
    }

    /// The one value at the path, if there is exactly one.
    pub(crate) fn value<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        self.path.as_ref().ok()?.one(object).ok()
    }

    /// Whether the requirement holds. Nothing found and null are different things for `NotIn`.
    pub(crate) fn holds(&self, object: &Value) -> Result<bool, FieldError> {
        let path = self.path.as_ref().map_err(|error| self.error(error.clone()))?;
        let found = match path.one(object) {
            Ok(value) => Some(value),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(self.error(error)),
        };
        let listed = |text: &str| self.requirement.values.iter().flatten().any(|v| v == text);
        Ok(match (self.requirement.operator, found) {
            (FieldOperator::In, Some(Value::String(text))) => listed(text),
            (FieldOperator::NotIn, Some(Value::String(text))) => !listed(text),
            (FieldOperator::In, _) => false,
            (FieldOperator::NotIn, found) => found.is_some(),
            (FieldOperator::Exists, found) => found.is_some_and(|value| !value.is_null()),
            (FieldOperator::DoesNotExist, found) => found.is_none_or(Value::is_null),
        })
    }

    fn error(&self, cause: PathError) -> FieldError {
        FieldError {
            key: self.requirement.key.clone(),
            operator: self.requirement.operator,
            values: golang::list(self.requirement.values.as_deref().unwrap_or_default()),
            cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(key: &str, operator: FieldOperator, values: &[&str]) -> Field {
        let values = (!values.is_empty()).then(|| values.iter().map(|v| (*v).to_owned()).collect());
        Field::new(FieldSelectorRequirement { key: key.into(), operator, values })
    }

    /// The table of section 3.2, row by row: In, NotIn, Exists, DoesNotExist.
    #[test]
    fn field_operators() {
        use FieldOperator::{DoesNotExist, Exists, In, NotIn};
        let object = json!({
            "text": "a", "other": "z", "empty": "", "null": null, "number": 1, "list": ["a"],
        });
        for (path, expected) in [
            ("missing", [false, false, false, true]),
            ("null", [false, true, false, true]),
            ("text", [true, false, true, false]),
            ("other", [false, true, true, false]),
            ("empty", [false, true, true, false]),
            ("number", [false, true, true, false]),
            ("list", [false, true, true, false]),
        ] {
            let found = [
                field(path, In, &["a", "b"]),
                field(path, NotIn, &["a", "b"]),
                field(path, Exists, &[]),
                field(path, DoesNotExist, &[]),
            ]
            .map(|field| field.holds(&object).unwrap());
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn several_results_and_bad_paths_are_errors_with_go_lists() {
        let object = json!({"params": [{"name": "a"}, {"name": "b"}]});
        let names = field("params[*].name", FieldOperator::In, &["a", "b"]);
        let text = names.holds(&object).unwrap_err().to_string();
        let start = "unable to match field requirement with key [params[*].name] \
                     operator [In] values [[a b]]: ";
        assert!(text.starts_with(start), "{text}");
        assert!(field("params[9].name", FieldOperator::Exists, &[]).holds(&object).is_err());
        assert!(field("params[", FieldOperator::Exists, &[]).holds(&object).is_err());
    }
}
