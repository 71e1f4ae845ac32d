//! The bodies of the shop's API. They are written down for the document alone: components read and
//! write their own, and a test checks real answers against these.

use utoipa::{OpenApi, ToSchema};

/// A new customer.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct SignUp {
    /// 8 to 128 characters, whichever they are.
    #[schema(min_length = 8, max_length = 128, example = "correct horse")]
    password: String,
    #[schema(min_length = 1, max_length = 255, example = "Ada")]
    firstname: String,
    #[schema(min_length = 1, max_length = 255, example = "Byron")]
    lastname: String,
    /// Compared without regard to case.
    #[schema(min_length = 3, max_length = 254, example = "ada@example.org")]
    email: String,
    #[schema(min_length = 1, max_length = 1024, example = "12 St James Square, London")]
    address: String,
    #[schema(min_length = 1, max_length = 255, example = "+44 20 7946 0000")]
    phone_number: String,
}

/// An e-mail address and its password.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct LogIn {
    #[schema(min_length = 3, max_length = 254, example = "ada@example.org")]
    email: String,
    #[schema(min_length = 1, max_length = 1024, example = "correct horse")]
    password: String,
}

/// A refresh token.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Refresh {
    #[schema(min_length = 1, max_length = 4096)]
    refresh_token: String,
}

/// Two tokens: one opens what is the customer's own, the other is exchanged for a new pair.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct TokenPair {
    refresh_token: String,
    access_token: String,
}

/// What a customer is called.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Person {
    #[schema(min_length = 1, max_length = 255, example = "Ada")]
    firstname: String,
    #[schema(min_length = 1, max_length = 255, example = "Byron")]
    lastname: String,
    #[schema(min_length = 3, max_length = 254, example = "ada@example.org")]
    email: String,
}

/// Where a customer's goods go.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Shipping {
    #[schema(min_length = 1, max_length = 1024, example = "12 St James Square, London")]
    address: String,
    #[schema(min_length = 1, max_length = 255, example = "+44 20 7946 0000")]
    phone_number: String,
}

/// It is done.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Done {
    #[schema(example = "ok")]
    msg: String,
}

/// A new product.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct NewProduct {
    #[schema(min_length = 1, max_length = 255, example = "Lute")]
    name: String,
    #[schema(min_length = 1, max_length = 4096, example = "Six courses, spruce and maple")]
    description: String,
    #[schema(min_length = 1, max_length = 255, example = "Bragi")]
    brand_name: String,
    #[schema(minimum = 1, example = 120)]
    price: i64,
    #[schema(minimum = 0, example = 10)]
    inventory: i64,
}

/// The id of something new.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Created {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
}

/// A page of the catalogue, in the order of ids.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Catalog {
    #[schema(max_items = 500)]
    catalogs: Vec<CatalogEntry>,
}

/// A product in the catalogue.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct CatalogEntry {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    name: String,
    #[schema(minimum = 1)]
    price: i64,
    #[schema(minimum = 0)]
    inventory: i64,
}

/// A product.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Product {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    name: String,
    description: String,
    brand_name: String,
    #[schema(minimum = 1)]
    price: i64,
    #[schema(minimum = 0)]
    inventory: i64,
}

/// A purchase. The same product twice counts as one item with the amounts added.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Purchase {
    #[schema(min_items = 1, max_items = 100)]
    purchase_items: Vec<PurchaseItem>,
    payment: PaymentWish,
}

/// So many of a product.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct PurchaseItem {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    product_id: i64,
    #[schema(minimum = 1, example = 2)]
    amount: i64,
}

/// How it is paid.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct PaymentWish {
    currency_code: Currency,
}

/// A currency.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used, spelled as it is sent")]
enum Currency {
    NT,
    US,
}

/// The id of a purchase, which its order and its payment have, too.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Started {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    purchase_id: i64,
}

/// What was bought, at the price of the purchase.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Order {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    #[schema(min_items = 1, max_items = 100)]
    purchased_items: Vec<PurchasedItem>,
}

/// So many of a product that was bought.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct PurchasedItem {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    product_id: i64,
    name: String,
    description: String,
    brand_name: String,
    #[schema(minimum = 1)]
    price: i64,
    #[schema(minimum = 1)]
    amount: i64,
}

/// What was paid.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Payment {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    id: i64,
    currency_code: Currency,
    #[schema(minimum = 1)]
    amount: i64,
}

/// The JSON text behind `data:` of an event of the result stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct ResultEvent {
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    purchase_id: i64,
    #[schema(example = "CREATE_ORDER")]
    step: String,
    #[schema(pattern = "^STATUS_(EXECUTE|SUCCESS|FAILED|ROLLBACKED|ROLLBACK_FAIL)$")]
    status: String,
    /// The saga's state once this event counts; the last event carries one of the last three.
    #[schema(pattern = "^(RUNNING|COMPENSATING|COMPLETED|COMPENSATED|STUCK)$")]
    saga: String,
    /// Why: with a status that tells of a failure.
    #[schema(required = false)]
    reason: Option<String>,
    /// Seconds since 1970.
    timestamp: i64,
}

/// A refusal (RFC 9457). Programs go by `msg`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its shape is used")]
struct Problem {
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: i32,
    #[schema(required = false)]
    detail: Option<String>,
    msg: String,
}

/// The schemas of all bodies.
#[derive(OpenApi)]
#[openapi(components(schemas(
    SignUp,
    LogIn,
    Refresh,
    TokenPair,
    Person,
    Shipping,
    Done,
    NewProduct,
    Created,
    Catalog,
    CatalogEntry,
    Product,
    Purchase,
    PurchaseItem,
    PaymentWish,
    Currency,
    Started,
    Order,
    PurchasedItem,
    Payment,
    ResultEvent,
    Problem
)))]
pub(super) struct Schemas;
