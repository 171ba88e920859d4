mod stages {
    pub mod public {
        #[pipeline::stage]
        pub fn add(x: u32) -> u32 {
            x + 1
        }
    }

    pub(crate) mod inner {
        #[pipeline::stage(retries = 1)]
        pub(crate) async fn double(x: u32) -> Result<u32, std::fmt::Error> {
            Ok(2 * x)
        }

        #[pipeline::stage(concurrency = 2)]
        pub(super) async fn half(x: u32) -> u32 {
            x / 2
        }

        #[pipeline::stage]
        pub(in crate::stages) fn square(x: u32) -> u32 {
            x * x
        }

        pub(crate) use self::double as twice;
    }

    pub(crate) use self::inner::double as reexported;

    pub(crate) fn squared(x: u32) -> u32 {
        use self::inner::{half, square};

        pipeline::pipeline![half => square => super::stages::public::add]
            .run_blocking(x)
            .unwrap()
    }
}

use pipeline::pipeline;
use stages::public::*;

fn main() {
    let renamed = pipeline![
        add => stages::inner::twice => self::stages::reexported.retries(2) => crate::stages::public::add
    ];
    assert_eq!(renamed.run_blocking(1).unwrap(), 9);
    assert_eq!(stages::squared(4), 5);
}
