"""A SceneSpec that moves: the World protocol and its engines."""
