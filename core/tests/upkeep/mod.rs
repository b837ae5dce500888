//! Keeping house: whether everything is sound, dropping what is old, copying, and forgetting users.

mod check;
mod forget;
mod guard;
mod support;
mod vacuum;
