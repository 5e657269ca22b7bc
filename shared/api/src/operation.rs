//! Describes operations: the routes of the API, each declared once beside the types that it takes and returns.
//!
//! The `operations!` macro makes one constant of each operation and the list of its area. The router of a function binds
//! a handler to the constant. The OpenAPI document, the authorization tests and the benchmark read the lists.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use domain::staff::role::Role;
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

/// Names the parameters of an operation that are not part of its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The header `Idempotency-Key`.
    IdempotencyKey,
    /// The header `If-Match`.
    IfMatch,
    /// The header `X-CSRF-Token`.
    CsrfToken,
    /// The header `Stripe-Signature`.
    StripeSignature,
    /// The headers of a webhook of PayPal.
    PaypalSignature,
    /// The headers of a webhook of fal.
    FalSignature,
    /// The headers of a webhook of Replicate.
    ReplicateSignature,
    /// The query parameters `limit` and `cursor`.
    Page,
    /// The query parameters `status`, `kind`, `visibility` and `favorite`.
    Filter,
    /// The query parameters `from` and `to`.
    Period,
}

/// Refers to the schema of a type.
#[derive(Clone, Copy, Debug)]
pub struct SchemaType {
    name: fn() -> Cow<'static, str>,
    collect: fn(&mut BTreeMap<String, RefOr<Schema>>),
}

impl SchemaType {
    /// Refers to the schema of `T`.
    pub(crate) const fn of<T: ToSchema>() -> Self {
        Self { name: T::name, collect: collect::<T> }
    }

    /// Returns the name of the schema.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        (self.name)()
    }

    /// Adds the schema, and each schema that it refers to.
    pub(crate) fn collect(&self, schemas: &mut BTreeMap<String, RefOr<Schema>>) {
        (self.collect)(schemas);
    }
}

fn collect<T: ToSchema>(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let mut referred = Vec::new();
    T::schemas(&mut referred);
    schemas.extend(referred);
    schemas.insert(T::name().into_owned(), T::schema());
}

/// Is a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
struct File(#[expect(dead_code, reason = "only described")] Vec<u8>);

/// Describes the body of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestBody {
    /// The type that it is decoded into.
    pub schema: SchemaType,
    /// Its media type.
    pub content_type: &'static str,
    /// A body that is valid, as JSON.
    pub example: &'static str,
}

/// Describes an operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The HTTP method in lower case.
    pub method: &'static str,
    /// The path, its parameters in braces.
    pub path: &'static str,
    /// The function that serves it.
    pub function: &'static str,
    /// Whether it can be called without an access token.
    pub public: bool,
    /// The roles of staff members that may call it, besides administrators. Empty if it is not for staff.
    pub roles: &'static [Role],
    /// What it does, and what a repeat does. The first character is a space.
    summary: &'static str,
    /// Its headers and query parameters.
    pub parameters: &'static [Parameter],
    /// The body of its request.
    pub body: Option<RequestBody>,
    /// Status and type of its response when it succeeds.
    pub response: (u16, Option<SchemaType>),
    /// The statuses of its problems. Those that every operation has are left out: 500, and 401 unless it is public.
    pub problems: &'static [u16],
}

impl Operation {
    pub(crate) const fn get(path: &'static str, function: &'static str, summary: &'static str) -> Self {
        Self::new("get", path, function, summary)
    }

    pub(crate) const fn post(path: &'static str, function: &'static str, summary: &'static str) -> Self {
        Self::new("post", path, function, summary)
    }

    pub(crate) const fn put(path: &'static str, function: &'static str, summary: &'static str) -> Self {
        Self::new("put", path, function, summary)
    }

    pub(crate) const fn patch(path: &'static str, function: &'static str, summary: &'static str) -> Self {
        Self::new("patch", path, function, summary)
    }

    pub(crate) const fn delete(path: &'static str, function: &'static str, summary: &'static str) -> Self {
        Self::new("delete", path, function, summary)
    }

    const fn new(method: &'static str, path: &'static str, function: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            function,
            public: false,
            roles: &[],
            summary,
            parameters: &[],
            body: None,
            response: (204, None),
            problems: &[],
        }
    }

    /// Lets everyone call it, without an access token.
    pub(crate) const fn public(self) -> Self {
        Self { public: true, ..self }
    }

    /// Lets staff members with one of these roles, and administrators, call it.
    pub(crate) const fn staff(self, roles: &'static [Role]) -> Self {
        Self { roles, ..self }
    }

    pub(crate) const fn parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// Takes a JSON body. The example must be valid: tests send it.
    pub(crate) const fn takes<T: ToSchema>(self, example: &'static str) -> Self {
        Self::with_body(self, RequestBody { schema: SchemaType::of::<T>(), content_type: "application/json", example })
    }

    /// Takes an HTML form.
    pub(crate) const fn takes_form<T: ToSchema>(self, example: &'static str) -> Self {
        let content_type = "application/x-www-form-urlencoded";
        Self::with_body(self, RequestBody { schema: SchemaType::of::<T>(), content_type, example })
    }

    /// Takes a file as it is.
    pub(crate) const fn takes_file(self) -> Self {
        let content_type = "application/octet-stream";
        Self::with_body(self, RequestBody { schema: SchemaType::of::<File>(), content_type, example: "\"a file\"" })
    }

    const fn with_body(self, body: RequestBody) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Responds with a JSON body.
    pub(crate) const fn returns<T: ToSchema>(self, status: u16) -> Self {
        Self { response: (status, Some(SchemaType::of::<T>())), ..self }
    }

    /// Responds without a body, or with one that has no schema. An operation that does not say so responds 204.
    pub(crate) const fn responds(self, status: u16) -> Self {
        Self { response: (status, None), ..self }
    }

    pub(crate) const fn problems(self, problems: &'static [u16]) -> Self {
        Self { problems, ..self }
    }

    /// Returns what it does, and what a repeat does.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.summary.trim_ascii()
    }

    /// Lists the parameters of its path: the name of each, and the kind of thing that it identifies.
    ///
    /// The kind is the parameter's own name, such as `share`. The kind of `id` is the segment before it in the singular, such
    /// as `generation` in `/v1/generations/{id}`.
    #[must_use]
    pub fn path_parameters(&self) -> Vec<(&'static str, &'static str)> {
        let segments = self.path.split('/');
        let before = segments.clone();
        let parameter = |segment: &'static str| segment.strip_prefix('{')?.strip_suffix('}');
        segments
            .skip(1)
            .zip(before)
            .filter_map(|(segment, before)| {
                let name = parameter(segment)?;
                Some((name, if name == "id" { before.strip_suffix('s').unwrap_or(before) } else { name }))
            })
            .collect()
    }

    /// Returns its path with each parameter replaced by what `value` returns for the kind of thing that it identifies.
    #[must_use]
    pub fn path_with(&self, value: impl Fn(&str) -> String) -> String {
        let replace = |path: String, (name, kind): (&str, &str)| path.replace(&format!("{{{name}}}"), &value(kind));
        self.path_parameters().into_iter().fold(self.path.to_owned(), replace)
    }

    /// Tells whether a request with this method, in any case, and this path calls this operation.
    #[must_use]
    pub fn matches(&self, method: &str, path: &str) -> bool {
        let segments = || self.path.split('/').zip(path.split('/'));
        self.method.eq_ignore_ascii_case(method)
            && self.path.split('/').count() == path.split('/').count()
            && segments().all(|(expected, given)| expected.starts_with('{') || expected == given)
    }
}

/// Writes `get /v1/account`.
impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.method, self.path)
    }
}

/// Declares the operations of an area: a constant for each, and the list `OPERATIONS`.
///
/// The docs of a constant are the summary of its operation.
macro_rules! operations {
    ($(
        $(#[doc = $summary:literal])+
        $name:ident = $method:ident($path:literal, $function:literal)
        $(. $property:ident $(::<$schema:ty>)? ($($value:tt)*))* ;
    )+) => {
        $(
            $(#[doc = $summary])+
            pub const $name: $crate::operation::Operation =
                $crate::operation::Operation::$method($path, $function, concat!($($summary),+))
                $(. $property $(::<$schema>)? ($($value)*))*;
        )+

        /// Lists the operations of this area.
        pub(crate) const OPERATIONS: &[$crate::operation::Operation] = &[$($name),+];
    };
}

pub(crate) use operations;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_parameters_have_kinds() {
        let share = Operation::delete("/v1/generations/{id}/shares/{share}", "visibility", "");
        assert_eq!(share.path_parameters(), [("id", "generation"), ("share", "share")]);
        assert_eq!(share.path_with(str::to_uppercase), "/v1/generations/GENERATION/shares/SHARE");
    }

    #[test]
    fn matches_its_method_and_paths() {
        let share = Operation::delete("/v1/generations/{id}/shares/{share}", "visibility", "");
        assert!(share.matches("DELETE", "/v1/generations/1/shares/2"));
        for (method, path) in [("GET", "/v1/generations/1/shares/2"), ("DELETE", "/v1/generations/1/shares")] {
            assert!(!share.matches(method, path), "{method} {path}");
        }
    }
}
