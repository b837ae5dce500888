//! Keeping house: whether everything is sound, dropping what is old, copying, and forgetting users.

mod check;
mod forget;
mod support;
mod vacuum;
