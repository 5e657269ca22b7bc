//! The fields of a kind of data, as its types declare them.

pub use domain_derive::DataFields;

/// A field of a kind of data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataField {
    /// Its path: names joined by dots, `*` for any key of a map or any position in a list.
    pub path: String,
    /// Whether it says something about a person beyond whose it is.
    pub personal: bool,
}

impl DataField {
    /// Says whether a path of a stored value is that of this field.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let (mut declared, mut found) = (self.path.split('.'), path.split('.'));
        loop {
            match (declared.next(), found.next()) {
                (None, None) => return true,
                (Some("*"), Some(_)) => {}
                (Some(one), Some(other)) if one == other => {}
                _ => return false,
            }
        }
    }
}

/// Declares the fields of a type that is stored, each with `#[data(plain)]`, `#[data(personal)]` or `#[data(nested)]`.
///
/// A field without a declaration does not compile:
///
/// ```compile_fail
/// #[derive(domain::registry::DataFields)]
/// struct Profile {
///     name: String,
/// }
/// ```
///
/// ```
/// #[derive(domain::registry::DataFields)]
/// struct Profile {
///     #[data(personal)]
///     name: String,
/// }
/// # use domain::registry::{DataField, FieldList};
/// let fields = FieldList::of::<Profile>();
/// assert_eq!(fields, [DataField { path: "name".to_owned(), personal: true }]);
/// ```
pub trait DataFields {
    /// Adds the fields of this type, for a value at this path.
    fn collect(path: &str, fields: &mut FieldList);
}

/// Collects the fields of a type.
#[derive(Debug, Default)]
pub struct FieldList(Vec<DataField>);

impl FieldList {
    /// Returns the fields of a type in the order of their declaration.
    #[must_use]
    pub fn of<T: DataFields>() -> Vec<DataField> {
        let mut fields = Self::default();
        T::collect("", &mut fields);
        fields.0
    }

    /// Adds a field. A path that several variants of an enum have is listed once, and is personal if it is in one of them.
    pub fn add(&mut self, path: String, personal: bool) {
        match self.0.iter_mut().find(|field| field.path == path) {
            Some(known) => known.personal |= personal,
            None => self.0.push(DataField { path, personal }),
        }
    }

    /// Joins a path and a name, either of which may be empty.
    #[must_use]
    pub fn join(path: &str, name: &str) -> String {
        match (path, name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path}.{name}"),
        }
    }
}
