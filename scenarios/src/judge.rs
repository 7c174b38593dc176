//! Whether Drawbridge keeps its promises: after every deed, whatever it has committed is judged.
