"""From a random generator to a SceneSpec: what stands where, and what is to be done."""
