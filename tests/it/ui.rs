//! Compile errors, as users see them.

use trybuild::TestCases;

#[test]
fn each_mistake_gets_its_error() {
    let cases = TestCases::new();
    cases.compile_fail("ui/stage/fail/*.rs");
    cases.compile_fail("ui/chain/fail/*.rs");
    cases.pass("ui/stage/pass/*.rs");
    cases.pass("ui/chain/pass/*.rs");
}
