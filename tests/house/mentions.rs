//! One parsed file: the names that its modules bind and the paths that they mention, those in attributes and in the
//! arguments of macros included.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

use super::sources::{Binding, Module, ModulePath};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mention {
    pub(crate) path: Vec<String>,
    pub(crate) manner: Manner,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Manner {
    Use {
        public: bool,
    },
    /// In a type, an expression, a pattern or the arguments of a macro.
    Path,
    /// In an attribute, where the name of a module stands for what is in it.
    Attribute,
    /// The name of a macro that is called.
    Macro,
}

pub(crate) struct Reader {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
    /// The modules that are files of their own.
    pub(crate) declared: Vec<ModulePath>,
    pub(crate) types: Vec<String>,
    file: String,
    here: ModulePath,
}

impl Reader {
    pub(crate) fn read(file: &str, path: ModulePath, parsed: &syn::File) -> Self {
        let mut reader = Self {
            modules: BTreeMap::new(),
            declared: Vec::new(),
            types: Vec::new(),
            file: file.to_owned(),
            here: path,
        };
        reader.module();
        if !for_tests_only(&parsed.attrs) {
            reader.visit_file(parsed);
        }
        reader
    }

    fn module(&mut self) -> &mut Module {
        let file = &self.file;
        self.modules
            .entry(self.here.clone())
            .or_insert_with(|| Module { file: file.clone(), ..Module::default() })
    }

    fn bind(&mut self, name: &syn::Ident, binding: Binding) {
        let name = plain(name);
        self.module().names.entry(name).or_default().push(binding);
    }

    fn mention(&mut self, path: Vec<String>, manner: Manner) {
        self.module().mentions.push(Mention { path, manner });
    }

    fn bind_type(&mut self, name: &syn::Ident) {
        self.bind(name, Binding::Item);
        self.types.push(plain(name));
    }

    fn use_tree(&mut self, tree: &UseTree, before: &[String], public: bool) {
        let mut path = before.to_vec();
        match tree {
            UseTree::Path(inner) => {
                path.push(plain(&inner.ident));
                self.use_tree(&inner.tree, &path, public);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let bound = path.last().cloned().unwrap_or_default();
                self.import(bound, path, public);
            }
            UseTree::Name(name) => {
                path.push(plain(&name.ident));
                self.import(plain(&name.ident), path, public);
            }
            UseTree::Rename(rename) => {
                if rename.ident != "self" {
                    path.push(plain(&rename.ident));
                }
                self.import(plain(&rename.rename), path, public);
            }
            UseTree::Glob(_) => {
                self.module().globs.push(path.clone());
                path.push("*".to_owned());
                self.mention(path, Manner::Use { public });
            }
            UseTree::Group(group) => {
                for item in &group.items {
                    self.use_tree(item, before, public);
                }
            }
        }
    }

    fn import(&mut self, bound: String, path: Vec<String>, public: bool) {
        self.module()
            .names
            .entry(bound)
            .or_default()
            .push(Binding::Import { path: path.clone(), public });
        self.mention(path, Manner::Use { public });
    }

    /// What parses as nothing: chains of names with `::` between them.
    fn tokens(&mut self, tokens: TokenStream, manner: Manner) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Group(group) => self.tokens(group.stream(), manner),
                TokenTree::Literal(literal)
                    if manner == Manner::Attribute && is_path(&trees[..at]) =>
                {
                    if let Ok(path) =
                        syn::parse_str::<syn::Path>(literal.to_string().trim_matches('"'))
                    {
                        self.mention(names(&path), manner);
                    }
                }
                TokenTree::Ident(first) => {
                    let member = at > 0
                        && is_punct(&trees[at - 1], '.')
                        && !(at > 1 && is_punct(&trees[at - 2], '.'));
                    let mut path = vec![plain(first)];
                    while at + 3 < trees.len()
                        && is_punct(&trees[at + 1], ':')
                        && is_punct(&trees[at + 2], ':')
                    {
                        let TokenTree::Ident(next) = &trees[at + 3] else { break };
                        path.push(plain(next));
                        at += 3;
                    }
                    let called = matches!(trees.get(at + 1), Some(TokenTree::Group(group))
                        if group.delimiter() == Delimiter::Parenthesis);
                    if !member && (path.len() > 1 || called || is_capital(&path[0])) {
                        self.mention(
                            path,
                            if manner == Manner::Attribute { manner } else { Manner::Path },
                        );
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if for_tests_only(attributes(item)) {
            return;
        }
        match item {
            Item::Struct(item) => self.bind_type(&item.ident),
            Item::Enum(item) => self.bind_type(&item.ident),
            Item::Union(item) => self.bind_type(&item.ident),
            Item::Trait(item) => self.bind_type(&item.ident),
            Item::Type(item) => self.bind_type(&item.ident),
            Item::Fn(item) => self.bind(&item.sig.ident, Binding::Item),
            Item::Const(item) => self.bind(&item.ident, Binding::Item),
            Item::Static(item) => self.bind(&item.ident, Binding::Item),
            Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    self.bind(name, Binding::Item);
                    self.module().macros.push(plain(name));
                }
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.bind(&item.ident, Binding::Child);
        item.attrs.iter().for_each(|attribute| self.visit_attribute(attribute));
        self.here.push(plain(&item.ident));
        match &item.content {
            Some((_, items)) => {
                self.module();
                items.iter().for_each(|item| self.visit_item(item));
            }
            None => self.declared.push(self.here.clone()),
        }
        self.here.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.use_tree(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes: &[Attribute] = match item {
            syn::ImplItem::Const(item) => &item.attrs,
            syn::ImplItem::Fn(item) => &item.attrs,
            syn::ImplItem::Type(item) => &item.attrs,
            syn::ImplItem::Macro(item) => &item.attrs,
            _ => &[],
        };
        if !for_tests_only(attributes) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !for_tests_only(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !for_tests_only(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        match &attribute.meta {
            syn::Meta::List(list) => self.tokens(list.tokens.clone(), Manner::Attribute),
            syn::Meta::NameValue(pair) => self.visit_expr(&pair.value),
            syn::Meta::Path(_) => {}
        }
    }

    /// `pub(super)` leads nowhere.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.mention(names(&called.path), Manner::Macro);
        self.tokens(called.tokens.clone(), Manner::Path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func
            && function.path.segments.len() == 1
        {
            self.mention(names(&function.path), Manner::Path);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = names(path);
        // One small word is a variable more often than not; what it may be else stands in a `use`.
        if names.len() > 1 || is_capital(&names[0]) {
            self.mention(names, Manner::Path);
        }
        visit::visit_path(self, path);
    }
}

fn names(path: &syn::Path) -> Vec<String> {
    let absolute = path.leading_colon.as_ref().map(|_| String::new());
    absolute.into_iter().chain(path.segments.iter().map(|segment| plain(&segment.ident))).collect()
}

fn plain(name: &proc_macro2::Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

fn is_capital(name: &str) -> bool {
    name.starts_with(char::is_uppercase)
}

fn is_punct(tree: &TokenTree, wanted: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// Whether the text that comes next is a path by the key before it, as serde has them.
fn is_path(before: &[TokenTree]) -> bool {
    let [.., TokenTree::Ident(key), equals] = before else { return false };
    let key = key.to_string();
    is_punct(equals, '=')
        && (key.ends_with("with")
            || ["default", "skip_serializing_if", "from", "try_from", "into"]
                .contains(&key.as_str()))
}

/// `#[cfg(test)]`, and `#[cfg(all(test, …))]`.
fn for_tests_only(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let text = list.tokens.to_string().replace(' ', "");
        text == "test"
            || text
                .strip_prefix("all(")
                .is_some_and(|all| all.split([',', ')']).any(|one| one == "test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
