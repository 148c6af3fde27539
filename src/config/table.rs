//! How the table of settings becomes structs with defaults, what reads them, and the reference. The table itself, and what
//! each setting means: `config.rs`.

/// One setting, as the reference lists it.
#[derive(Debug)]
pub struct Setting {
    /// Section of the file.
    pub section: &'static str,
    /// Name in the section.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its unit or form.
    pub unit: &'static str,
    /// Its default as TOML.
    pub default: fn() -> String,
}

macro_rules! settings {
    ($( $(#[doc = $about_section:literal])* $section:ident: $Section:ident {
        $( $(#[doc = $about:literal])* $name:ident: $ty:ty = $default:expr, $unit:literal; )*
    } )*) => {
        /// The whole configuration. Parts of the hub are given their section, not this.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Config { $( $(#[doc = $about_section])* pub $section: $Section, )* }

        $(
            $(#[doc = $about_section])*
            #[derive(Debug, Clone, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub struct $Section { $( $(#[doc = $about])* pub $name: $ty, )* }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $( $name: $default.into(), )* }
                }
            }
        )*

        impl Config {
            /// Takes every setting that is there; what is of another type is a fault, and the default stands in.
            fn read(source: &config::Config, found: &mut Vec<Fault>) -> Self {
                let mut config = Self::default();
                $( $( match source.get::<$ty>(concat!(stringify!($section), ".", stringify!($name))) {
                    Ok(value) => config.$section.$name = value,
                    Err(config::ConfigError::NotFound(_)) => {}
                    Err(why) => found.push(Fault::of_type(concat!(stringify!($section), ".", stringify!($name)), $unit, &why)),
                } )* )*
                config
            }

            /// This configuration with what `new` says of the settings that can change while the hub runs.
            pub fn reloaded(&self, new: &Self) -> Reloaded {
                let mut after = Reloaded { config: self.clone(), changed: Vec::new(), kept: Vec::new() };
                $( $( if self.$section.$name.differs(&new.$section.$name) {
                    let setting = concat!(stringify!($section), ".", stringify!($name));
                    if RELOADABLE.contains(&setting) {
                        after.config.$section.$name = new.$section.$name.clone();
                        after.changed.push(setting);
                    } else {
                        after.kept.push(setting);
                    }
                } )* )*
                after
            }

            /// Every setting in force as section, name and TOML value, in the order of the file; secrets are masked.
            pub fn values(&self) -> Vec<(&'static str, &'static str, String)> {
                vec![ $( $( (stringify!($section), stringify!($name), self.$section.$name.shown()), )* )* ]
            }
        }

        /// Every setting, in the order of the file.
        pub const SETTINGS: &[Setting] = &[ $( $( Setting {
            section: stringify!($section),
            name: stringify!($name),
            about: concat!($($about),*),
            unit: $unit,
            default: || format!("{:?}", $default),
        }, )* )* ];

        /// The sections and what they are for.
        pub const SECTIONS: &[(&str, &str)] = &[ $( (stringify!($section), concat!($($about_section),*)), )* ];
    };
}
pub(super) use settings;
