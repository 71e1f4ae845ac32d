//! What the shop's paths are for: the part of the document that is not in the manifest. A test keeps it
//! equal to the routes of `skald.toml`.

/// What can be said of one method of one path.
pub(super) struct Operation {
    /// Such as `GET`.
    pub method: &'static str,
    /// As the manifest writes it.
    pub path: &'static str,
    /// A sentence.
    pub summary: &'static str,
    /// The schema of the request's body.
    pub body: Option<&'static str>,
    /// The status of a success, and the schema of its body.
    pub success: (u16, &'static str),
    /// The statuses of refusals with their short texts, 401 for a bad token apart.
    pub refusals: &'static [(u16, &'static [&'static str])],
    /// The parameters.
    pub parameters: &'static [Parameter],
}

/// A parameter of an operation.
pub(super) struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// `query`, `path` or `header`.
    pub place: &'static str,
    /// Its bounds if it is a number; none: a text.
    pub bounds: Option<(i64, i64)>,
    /// What it is when it is left out.
    pub default: Option<i64>,
    /// A sentence.
    pub meaning: &'static str,
}

/// The schema of a stream of events is that of one event.
pub(super) const STREAM: &str = "ResultEvent";

const INVALID: (u16, &[&str]) = (400, &["invalid parameter"]);
const DUPLICATE: (u16, &[&str]) = (409, &["duplicate entry"]);
const NO_CUSTOMER: (u16, &[&str]) = (404, &["customer not found"]);
const ID: Parameter = Parameter {
    name: "id",
    place: "path",
    bounds: Some((0, (1 << 53) - 1)),
    default: None,
    meaning: "The id.",
};

const fn operation(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        summary,
        body: None,
        success: (200, "Done"),
        refusals: &[],
        parameters: &[],
    }
}

/// Every operation of the shop.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        body: Some("SignUp"),
        success: (201, "TokenPair"),
        refusals: &[INVALID, DUPLICATE],
        ..operation("POST", "/api/account/auth/signup", "Signs a customer up")
    },
    Operation {
        body: Some("LogIn"),
        success: (200, "TokenPair"),
        refusals: &[
            INVALID,
            (401, &["authentication failed", "customer inactive"]),
            NO_CUSTOMER,
            (429, &["too many attempts"]),
        ],
        ..operation("POST", "/api/account/auth/login", "Logs a customer in")
    },
    Operation {
        body: Some("Refresh"),
        success: (200, "TokenPair"),
        refusals: &[
            INVALID,
            (401, &["invalid token", "token expired", "customer inactive"]),
            NO_CUSTOMER,
        ],
        ..operation(
            "POST",
            "/api/account/auth/refresh",
            "Exchanges a refresh token for a new pair",
        )
    },
    Operation {
        success: (200, "Person"),
        refusals: &[NO_CUSTOMER],
        ..operation("GET", "/api/account/info/person", "What the customer is called")
    },
    Operation {
        body: Some("Person"),
        refusals: &[INVALID, NO_CUSTOMER, DUPLICATE],
        ..operation("PUT", "/api/account/info/person", "Changes what the customer is called")
    },
    Operation {
        success: (200, "Shipping"),
        refusals: &[NO_CUSTOMER],
        ..operation("GET", "/api/account/info/shipping", "Where the customer's goods go")
    },
    Operation {
        body: Some("Shipping"),
        refusals: &[INVALID, NO_CUSTOMER],
        ..operation(
            "PUT",
            "/api/account/info/shipping",
            "Changes where the customer's goods go",
        )
    },
    Operation {
        body: Some("NewProduct"),
        success: (201, "Created"),
        refusals: &[INVALID],
        ..operation("POST", "/api/product", "Adds a product")
    },
    Operation {
        success: (200, "Catalog"),
        refusals: &[INVALID],
        parameters: &[
            Parameter {
                name: "offset",
                place: "query",
                bounds: Some((0, i64::MAX)),
                default: Some(0),
                meaning: "How many products to pass over.",
            },
            Parameter {
                name: "size",
                place: "query",
                bounds: Some((1, 500)),
                default: Some(100),
                meaning: "How many products to list at most.",
            },
        ],
        ..operation("GET", "/api/products", "A page of the catalogue")
    },
    Operation {
        success: (200, "Product"),
        refusals: &[INVALID, (404, &["product not found"])],
        parameters: &[ID],
        ..operation("GET", "/api/product/{id}", "One product")
    },
    Operation {
        body: Some("Purchase"),
        success: (201, "Started"),
        refusals: &[
            INVALID,
            (404, &["product not found"]),
            DUPLICATE,
            (503, &["server error"]),
        ],
        parameters: &[Parameter {
            name: "Idempotency-Key",
            place: "header",
            bounds: None,
            default: None,
            meaning: "The same key and body again start nothing, and are given the same id.",
        }],
        ..operation(
            "POST",
            "/api/purchase",
            "Starts a purchase; the result stream tells how it goes on",
        )
    },
    Operation {
        success: (200, STREAM),
        refusals: &[INVALID, (406, &["not acceptable"])],
        parameters: &[Parameter {
            name: "Last-Event-ID",
            place: "header",
            bounds: None,
            default: None,
            meaning: "The id of the last event that was seen: every later one follows. Without it the stream begins now.",
        }],
        ..operation(
            "GET",
            "/api/purchase/result",
            "The events of the customer's purchases, as they happen",
        )
    },
    Operation {
        success: (200, "Order"),
        refusals: &[INVALID, (404, &["order not found"])],
        parameters: &[ID],
        ..operation("GET", "/api/order/{id}", "One of the customer's orders")
    },
    Operation {
        success: (200, "Payment"),
        refusals: &[INVALID, (404, &["payment not found"])],
        parameters: &[ID],
        ..operation("GET", "/api/payment/{id}", "One of the customer's payments")
    },
];
