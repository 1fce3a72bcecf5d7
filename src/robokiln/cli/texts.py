"""What `robokiln` and `robokiln <verb> --help` print."""

OVERVIEW = """\
robokiln turns seeds into robot demonstrations, and those into a small policy and a report.

  robokiln run recipe=quickstart     the whole journey in a quarter of an hour
  robokiln generate episodes=100     demonstrations as a LeRobotDataset v3.0
  robokiln rerender DATASET          the same motions seen by other cameras, in other looks
  robokiln train dataset=DIR         a policy from a dataset
  robokiln evaluate image_policy=DIR success in scenes it has never seen
  robokiln export policy=DIR         a policy as ONNX; dataset=DIR: LeRobot v2.1 or robomimic
  robokiln robustness image_policy=DIR   what each change of the scene costs it
  robokiln compare A B               two evaluations, scene by scene
  robokiln improve task=lift         a policy's own mistakes, corrected, become demonstrations
  robokiln show dataset=DIR          contact sheet and sample videos
  robokiln info DIR                  what a run or a dataset holds
  robokiln merge A B out=C           one dataset of several runs, nothing encoded again
  robokiln verify DIR                whether a run or a dataset is whole, byte by byte
  robokiln repair DIR                make what is damaged again, to the recorded bytes
  robokiln looks look=rich           what the looks of a configuration are like
  robokiln assets                    what shapes there are, with a picture of a hundred
  robokiln doctor                    whether this machine is fit, and how to mend it

Settings are key=value arguments; `robokiln <verb> --help` lists them. A command that was stopped
continues when it is typed again.

Exit codes: 0 done, 1 failed, 2 a mistake in the command, 3 incomplete, 4 no space left,
130 stopped by Ctrl-C."""

_EXECUTION = """\
  workers=N                  processes (default: one for each core)
  executor=local|ray         on this machine, or as tasks of Ray; the result is the same
  ray_address=HOST:PORT      a Ray cluster; without it Ray is started here (docs/cluster.md)
  deadline_s=S               after which one job is stopped and tried again
  memory_mb=N                bound on one worker's memory (default: its share of the machine)"""

_COMMON = f"""\
  task=pick_place            what is to be done: lift, open_drawer, pour, ... (docs/tasks.md)
  scene.ranges=D0|D1         where things start; D1 is wider
  scene.objects=seen|unseen  families of shapes and colors; unseen_shapes|unseen_colors of one
  scene.start=0.06           how far (rad) the arm's joints start from home
  scene.mass=[LOW,HIGH]      factors on every body's mass, and scene.friction=[LOW,HIGH]
  scene.phrasings=seen|held_out  scene.references=plain|rich
                             how instructions are worded, and what things are called in them
  robot=panda|so101|ur5e     who does it; all but the Panda need an extra: robokiln[so101]
  cameras=front_wrist        where the cameras are; image_size=128 makes all pictures square
  look=random|plain|rich|held_out
                             lights, materials, background: drawn anew each episode, or fixed
  sensor=none|d435|d405|webcam   what real cameras do to pictures and depth
  sensors.CAMERA=NAME        the same for one camera, for instance sensors.wrist=d405
  look.KEY=[LOW,HIGH]        a range of the look, for instance look.light_elevation=[30,80]
{_EXECUTION}"""

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
  gates=default|off          what refuses an attempt before it is kept: pictures that are black or
                             frozen, joints that stand still, bodies that overlap, ...
  gates.KEY=VALUE            a threshold, null for none, for instance gates.black_mean=5
  compare.drop_duplicates=true   leave out episodes that begin as an earlier one did
  accept_environment=true    go on with what other code or package versions began
{_COMMON}""",
    "rerender": f"""\
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
  gates=default|off          what refuses pictures, for instance black ones; gates.KEY=VALUE beside
                             it sets a threshold
  plan=FILE                  make the re-rendered dataset of that plan.json again
{_EXECUTION}""",
    "info": """\
robokiln info: what a run directory or a dataset holds.

  robokiln info out/hundred

  dataset=DIR                a run directory or a dataset; the key may be left out""",
    "merge": """\
robokiln merge: one dataset of several runs, one after the other, nothing encoded again.

  robokiln merge out/monday out/tuesday out=out/both

The runs must be complete and have the same robot, cameras, rate, codec and labels; their seeds must
differ. Their plans, and which episode came from which, are kept in meta/robokiln.

  datasets=[A,B,...]         run directories; the key may be left out
  out=DIR                    the new dataset is DIR/dataset""",
    "verify": f"""\
robokiln verify: whether a run directory or a dataset is whole. Nothing in it is changed.

  robokiln verify out/hundred
  robokiln verify out/hundred/dataset level=quick
  robokiln verify out/hundred replay=3

  dataset=DIR                a run directory or a dataset; the key may be left out
  level=quick|full           quick: structure, counts, sizes, frames of each video;
                             full (the default): that, and every byte by its SHA-256
  replay=N                   make N episodes again and compare their bytes
  source=DIR                 for replay: the dataset that a re-rendered one came from
{_EXECUTION}

Exit codes: 0 whole, 1 damaged, 2 can't be told.""",
    "repair": f"""\
robokiln repair: quarantine what is damaged, make it again, and see that it has the recorded bytes.

  robokiln repair out/hundred
  robokiln repair out/hundred/dataset

A run directory's intact units are kept; a dataset without them is made again from its plan, beside
it, which takes as long as making it did. Needs the code and versions that made it.

  dataset=DIR                a run directory or a dataset; the key may be left out
  source=DIR                 the dataset that a re-rendered one came from
{_EXECUTION}""",
    "train": """\
robokiln train: a policy from a dataset, or one policy from several, told apart by their words.

  robokiln train out/hundred/dataset out=out/policy
  robokiln train out/lift/dataset out/stack/dataset out=out/both policy.steps=6000
  robokiln train out/hundred/dataset policy=state policy.steps=1000 policy.seed=1

  DIR [DIR ...]              LeRobotDatasets v3.0 that robokiln made, with the same cameras
  out=DIR                    weights, checkpoint, log and loss curve
  policy=xs|small|medium     sizes of the policy that sees; small is the CPU's
  policy=state               told the true poses of target and goal instead
  policy.KEY=VALUE           steps, seed, batch_size, learning_rate, two_step, precision, ...
  device=auto|cpu|cuda
  tensorboard=true           events for TensorBoard too, in out/tensorboard""",
    "evaluate": f"""\
robokiln evaluate: closed loop in held-out scenes, beside baselines and controls.

  robokiln evaluate image_policy=out/policy out=out/evaluation
  robokiln evaluate image_policy=out/policy state_policy=out/state scenes.image_policy=200

  image_policy=DIR           directories that `robokiln train` or `robokiln export` wrote; without
  state_policy=DIR           one, its rows are left out
  out=DIR                    rollouts, evaluation.json and report.html
  scenes.ROW=N               scenes for noop, random, expert, state_policy, image_policy,
                             blank_images, blank_instruction, swapped_instruction
  seed=N                     another seed, other scenes
{_COMMON}""",
    "export": """\
robokiln export: a policy or a dataset for other people's tools.

  robokiln export policy=out/policy out=out/onnx
  robokiln export policy=out/policy dataset=out/hundred/dataset out=out/onnx
  robokiln export out/hundred/dataset format=lerobot21 out=out/v21
  robokiln export out/hundred/dataset format=robomimic out=out/robomimic

A policy becomes one ONNX graph, from pictures, state and words to absolute actions, and a manifest.
It is compared with torch on real observations first: one that differs by more than 1e-5 is refused.

  policy=DIR                 what `robokiln train` wrote
  dataset=DIR                a LeRobotDataset v3.0; the key may be left out. Beside policy=DIR: the
                             observations to compare on (default: scenes rendered for it)
  format=onnx                of a policy (the default beside policy=DIR)
  format=lerobot21           LeRobotDataset v2.1 with meta/modality.json: for GR00T and openpi;
                             videos are cut, not encoded again
  format=robomimic           demos.hdf5 for robomimic
  out=DIR                    must not exist; nothing is left of an export that fails""",
    "robustness": f"""\
robokiln robustness: one change at a time, and all at once, in the scenes of `robokiln evaluate`.

  robokiln robustness image_policy=out/policy out=out/robustness
  robokiln robustness image_policy=out/policy axes=[light,camera] scenes.image_policy=200
  robokiln robustness state_policy=out/state task=lift

  image_policy=DIR           directories that `robokiln train` wrote; a state policy and the expert
  state_policy=DIR           are left out where only pictures change
  axes=[NAME,...]            position, shapes, colors, light, background, table, arm, camera,
                             distractors, start, physics, latency, sensor, phrasing, all; their
                             magnitudes are in configs/robustness (docs/evaluation.md)
  out=DIR                    an evaluation for each axis, robustness.json and .png, axes.png,
                             report.html
  scenes.ROW=N               scenes for expert, state_policy, image_policy
  seed=N                     another seed, other scenes
{_COMMON}""",
    "compare": """\
robokiln compare: two policies on the same scenes, from what `robokiln evaluate` wrote.

  robokiln compare out/first out/second
  robokiln compare a=[out/a0,out/a1,out/a2] b=[out/b0,out/b1,out/b2] out=out/compare

  a=[DIR,...]  b=[DIR,...]   evaluations of one scene configuration, one for each training seed
  row=image_policy           whose rollouts
  out=DIR                    compare.json and compare.png""",
    "improve": f"""\
robokiln improve: roll a policy out, let the expert take over where it fails, train on, and again.

  robokiln improve task=insert_peg rounds=3 out=out/better
  robokiln improve task=pick_place episodes=100 per_round=50 policy=small policy.steps=4000

Beside it plain demonstrations with as many frames are made and learned from: the plot and the table
compare both arms in the same held-out scenes (docs/improve.md).

  out=DIR                    a folder a round; improve.json and improve.png
  episodes=N                 plain demonstrations that the first policy learns from
  rounds=N                   more of them continue a finished run
  per_round=N                corrected rollouts of each round
  hard_attempts=N            attempts at each that count only where the policy alone fails
  policy=state|xs|small|medium   policy.KEY=VALUE: steps, seed, ... of every training
  scenes.state_policy=N      held-out scenes for every policy, or scenes.image_policy=N
  seed=N max_attempts=N gates=default|off episode.KEY=VALUE device=auto|cpu|cuda
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
    "assets": """\
robokiln assets: the families of shapes in a table, and a picture of random members.

  robokiln assets
  robokiln assets count=200 columns=16 seed=7 out=out/more.png
  robokiln assets look=rich image_size=192

  out=FILE.png               where the picture goes
  count=N columns=N          how many members, and how many beside each other
  seed=N                     other members
  look=random|plain|rich|held_out
  look.KEY=VALUE             lights and materials; see docs/looks.md
  image_size=N antialias=false""",
    "doctor": """\
robokiln doctor: whether this machine is fit for robokiln; what is wrong, and how to mend it.

  robokiln doctor

Checks Python, packages and their versions, physics, renderer, cores, memory, disk and the cache.
Exit code 0 if all is well, else 1.""",
}
