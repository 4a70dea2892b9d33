"""The main job: who searches and who proves, when and for how long, and the result."""
