#![deny(warnings)]
#![allow(non_camel_case_types)]

// Stages, parameters and type parameters by the names that a macro might use for itself, beside traits whose methods all
// types have.

mod everywhere {
    pub trait Anything: Sized {
        fn take(self) {}
        fn give(self) {}
        fn share(self) {}
        fn state(self) {}
        fn can_start(self) {}
        fn into_stage(self) {}
    }

    impl<T> Anything for T {}
}

macro_rules! named {
    ($($name:ident)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::everywhere::Anything as _;

            pub struct Resource(pub u32);

            #[::pipeline::stage(retries = 1, timeout = "1s", concurrency = 2)]
            pub async fn $name<T: Clone + Send + Sync + Into<u32>>(
                $name: &T,
                other: T,
                #[state] resource: &Resource,
                #[context] _cx: &::pipeline::Context,
            ) -> Result<u32, String> {
                Ok($name.clone().into() + other.into() + resource.0)
            }

            pub mod blocking {
                use super::Resource;

                #[::pipeline::stage(blocking, retries = 1)]
                pub fn $name($name: u32, #[state] resource: &Resource) -> Result<u32, String> {
                    Ok($name + resource.0)
                }
            }

            pub mod bare {
                #[::pipeline::stage]
                pub fn $name($name: u32) -> u32 {
                    $name
                }
            }

            pub fn check() {
                let chain = ::pipeline::pipeline![
                    (u8, u8): $name::<u8> => blocking::$name => bare::$name.concurrency(3)
                        => (bare::$name, bare::$name) => |(a, b)| a + b
                ];
                let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let chain = chain.with(Provided(Resource(1)));
                assert_eq!(runtime.block_on(chain.run((2, 3))).unwrap(), 14);
                let graph = ::pipeline::pipeline!(|$name: u32| {
                    let x = bare::$name($name);
                    let y = bare::$name(x);
                    bare::$name(x + y)
                });
                assert_eq!(graph.run_blocking(2).unwrap(), 4);
            }

            #[derive(::pipeline::Provide)]
            pub struct Provided(Resource);
        }
    )*

        fn main() {
            $($name::check();)*
            of_outer_scopes::check();
        }
    };
}

named! {
    input cx kept moved place state context borrowed error observe args stage value policy
}

// What the prelude has, our own crate, and a keyword. By hand: to rustc these names are ambiguous if a macro makes them, and
// another crate's macro is not the user.
mod of_outer_scopes {
    use ::pipeline::{pipeline, stage};

    #[stage(concurrency = 2)]
    pub async fn drop(drop: u32) -> u32 {
        drop + 1
    }

    #[stage]
    pub fn size_of(size_of: &u32) -> u32 {
        size_of + 1
    }

    #[stage(retries = 1)]
    pub async fn pipeline(pipeline: u32, r#gen: u32) -> Result<u32, String> {
        Ok(pipeline + r#gen)
    }

    #[stage]
    pub fn r#gen(r#gen: u32) -> u32 {
        r#gen + 1
    }

    pub fn check() {
        let chain = pipeline![
            drop => size_of.concurrency(3) => (r#gen, size_of) => pipeline.retries(2) => (drop | r#gen)
        ];
        assert_eq!(chain.run_blocking(1).unwrap(), 9);
        let graph = pipeline!(|x: u32| {
            let a = drop(x);
            let b = size_of(x);
            let c = r#gen(b);
            pipeline(a, c)
        });
        assert_eq!(graph.run_blocking(1).unwrap(), 5);
    }
}
