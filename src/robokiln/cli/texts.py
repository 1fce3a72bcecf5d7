"""What `robokiln` and `robokiln <verb> --help` print."""

OVERVIEW = """\
robokiln turns seeds into robot demonstrations, and those into a small policy and a report.

  robokiln run recipe=quickstart     the whole journey in a quarter of an hour
  robokiln generate episodes=100     demonstrations as a LeRobotDataset v3.0
  robokiln rerender DATASET          the same motions seen by other cameras, in other looks
  robokiln train dataset=DIR         a policy from a dataset
  robokiln evaluate image_policy=DIR success in scenes it has never seen
  robokiln show dataset=DIR          contact sheet and sample videos
  robokiln looks look=rich           what the looks of a configuration are like
  robokiln doctor                    whether this machine is fit, and how to mend it

Settings are key=value arguments; `robokiln <verb> --help` lists them. A command that was stopped
continues when it is typed again.

Exit codes: 0 done, 1 failed, 2 a mistake in the command, 3 incomplete, 4 no space left,
130 stopped by Ctrl-C."""

_COMMON = """\
  task=pick_place            what is to be done
  robot=panda                who does it
  cameras=front_wrist        where the cameras are; image_size=128 makes all pictures square
  look=random|plain|rich|held_out
                             lights, materials, background: drawn anew each episode, or fixed
  sensor=none|d435|d405|webcam   what real cameras do to pictures and depth
  sensors.CAMERA=NAME        the same for one camera, for instance sensors.wrist=d405
  look.KEY=[LOW,HIGH]        a range of the look, for instance look.light_elevation=[30,80]
  workers=N                  processes (default: one for each core)"""

VERBS: dict[str, str] = {
    "run": f"""\
robokiln run: generate, train a state and an image policy, evaluate them, and write a report.

  robokiln run recipe=quickstart
  robokiln run recipe=reference out=/data/reference
  robokiln run recipe=quickstart episodes=20 policy_image.steps=200 policy_state.steps=200

  recipe=quickstart|reference  sizes of everything
  out=DIR                    default: out/<recipe>
  episodes=N seed=N          demonstrations to make, and where they come from
  policy_image.KEY=VALUE     training, for instance policy_image.steps=5000
  policy_state.KEY=VALUE
  scenes.ROW=N               held-out scenes for a row, for instance scenes.image_policy=200
  device=auto|cpu|cuda
{_COMMON}""",
    "generate": f"""\
robokiln generate: simulate an expert, render it, and write a LeRobotDataset v3.0.

  robokiln generate episodes=100 out=out/hundred
  robokiln generate episodes=20 looks_per_episode=5 image_size=224 look=random
  robokiln generate plan=out/hundred/dataset/meta/robokiln/plan.json out=out/again

  out=DIR                    run directory; the dataset is DIR/dataset
  episodes=N                 demonstrations to accept
  seed=N                     another seed, other scenes
  looks_per_episode=N        each demonstration rendered N times
  antialias=false            a sample a pixel: jagged edges, less than half the time
  max_attempts=N             tries for one episode before it is given up
  codec=h264|av1
  record=[depth,...]         labels to keep: depth, segmentation, boxes
  plan=FILE                  make the dataset of that plan.json again
{_COMMON}""",
    "rerender": """\
robokiln rerender: a dataset of another one's motions, without simulating them again.

  robokiln rerender out/hundred/dataset image_size=224 out=out/large
  robokiln rerender out/hundred/dataset look=random seed=7 looks_per_episode=4 out=out/looks
  robokiln rerender out/hundred/dataset record=[depth,segmentation,boxes] out=out/labelled

What is not given stays as the dataset has it: alone, `robokiln rerender DATASET` gives the same
videos again. Actions and states are copied; the card says what was rendered from what.

  dataset=DIR                a dataset that `generate` or `rerender` made; the key may be left out
  out=DIR                    run directory; the new dataset is DIR/dataset
  cameras=NAME               other cameras; image_size=128 makes all pictures square
  look=random|plain|rich|held_out
                             other ranges of lights, materials, background
  look.KEY=[LOW,HIGH]        beside look=NAME: one of its ranges
  sensor=none|d435|d405|webcam   what real cameras do to pictures and depth
  sensors.CAMERA=NAME        the same for one camera, for instance sensors.wrist=d405
  seed=N                     other looks from the same ranges, other noise
  looks_per_episode=N        each motion rendered N times
  episodes=N                 the first N motions only
  record=[depth,...]         labels to keep: depth, segmentation, boxes
  antialias=false            a sample a pixel
  codec=h264|av1
  plan=FILE                  make the re-rendered dataset of that plan.json again
  workers=N                  processes (default: one for each core)""",
    "train": """\
robokiln train: a policy from a dataset.

  robokiln train dataset=out/hundred/dataset policy=image out=out/policy
  robokiln train dataset=out/hundred/dataset policy=state policy.steps=1000 policy.seed=1

  dataset=DIR                a LeRobotDataset v3.0 that robokiln made
  out=DIR                    weights, checkpoint, log and loss curve
  policy=image|state         what the policy sees
  policy.KEY=VALUE           steps, seed, batch_size, learning_rate, ...
  device=auto|cpu|cuda""",
    "evaluate": f"""\
robokiln evaluate: closed loop in held-out scenes, beside baselines and controls.

  robokiln evaluate image_policy=out/policy out=out/evaluation
  robokiln evaluate image_policy=out/policy state_policy=out/state scenes.image_policy=200

  image_policy=DIR           directories that `robokiln train` wrote; without one, its rows
  state_policy=DIR           are left out
  out=DIR                    rollouts and evaluation.json
  scenes.ROW=N               scenes for noop, random, expert, state_policy, image_policy,
                             blank_images, swapped_instruction
  seed=N                     another seed, other scenes
{_COMMON}""",
    "show": """\
robokiln show: a contact sheet and sample videos of a dataset.

  robokiln show out/hundred/dataset out=out/show episodes=12
  robokiln show out/large/dataset beside=out/hundred/dataset

Looks of one motion stand below each other; segments and depth too, where the dataset has them.

  dataset=DIR                a LeRobotDataset v3.0; the key may be left out
  beside=DIR                 a dataset of the same motions, whose pictures are put below
  out=DIR                    where the pictures go
  episodes=N columns=N       motions and moments on the sheet
  videos=N                   sample videos""",
    "looks": """\
robokiln looks: one scene in many looks, and every texture family, to look at before generating.

  robokiln looks look=rich out=out/looks
  robokiln looks look=held_out look.distractors=[4,4] count=8 columns=2
  robokiln looks look=random look.textures.table=[wood,marble] look.textured=1.0

  look=random|plain|rich|held_out
  look.KEY=VALUE             ranges and families; see docs/looks.md
  out=DIR                    where looks.png and textures.png go
  count=N columns=N          how many looks, and how many beside each other
  seed=N                     another scene
  task=pick_place robot=panda cameras=front_wrist image_size=N antialias=false""",
    "doctor": """\
robokiln doctor: whether this machine is fit for robokiln; what is wrong, and how to mend it.

  robokiln doctor

Checks Python, packages and their versions, physics, renderer, cores, memory, disk and the cache.
Exit code 0 if all is well, else 1.""",
}
