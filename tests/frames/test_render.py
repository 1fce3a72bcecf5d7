"""Pictures as bytes, cameras on the hand, shadows, and refusals."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arranged import FRONT, WRIST, gray_look, link_poses, lone_body, reach, table_scene

from robokiln import frames
from robokiln.frames.placing import place
from robokiln.frames.raster import draw_triangles
from robokiln.frames.shade import shade_picture
from robokiln.geometry import compose, look_at, pose_tuple
from robokiln.scene.robots import visual_links
from robokiln.types import Body, Frames, Light, RobokilnError, Shape, Texture


def digest(pictures: dict[str, Frames]) -> str:
    found = hashlib.sha256()
    for name in sorted(pictures):
        frame = pictures[name]
        for array in (frame.rgb, frame.depth, frame.segmentation):
            found.update(array.tobytes())
    return found.hexdigest()


def reference_digest() -> str:
    """Two steps of a full scene in a textured look with a lamp, with and without antialiasing."""
    spec = table_scene()
    look = frames.sample_look(spec, np.random.default_rng(3), frames.LookConfig())
    wood = Texture("wood", 1, ((0.7, 0.5, 0.3), (0.4, 0.2, 0.1)), 0.5)
    textured = [dataclasses.replace(m, texture=wood) for m in look.materials[::2]]
    look = dataclasses.replace(look, materials=(*look.materials[1::2], *textured))
    lamp = Light((0.0, 0.0, 1.0), (1.0, 0.9, 0.8), 0.3, True, (0.3, 0.4, 1.2), 0.02)
    look = dataclasses.replace(look, lights=(*look.lights, lamp))
    plain, fine = (digest(frames.render(spec, reach(2), look, antialias=s)) for s in (False, True))
    return plain + fine


def digest_in_another_process(**environment: str) -> str:
    here = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {here!r})\nimport test_render as t"
    code += "\nprint(t.reference_digest())"
    command = [sys.executable, "-c", code]
    env = {**os.environ, **environment}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=env
    ).stdout.strip()


def test_same_bytes_again_and_in_another_process() -> None:
    assert reference_digest() == reference_digest() == digest_in_another_process()


def test_same_bytes_from_code_for_any_processor() -> None:
    """Without AVX, FMA and the like; the kernels are compiled anew for it, once a machine."""
    assert digest_in_another_process(NUMBA_CPU_NAME="generic") == reference_digest()


def test_one_step_is_the_same_as_that_step_of_an_episode() -> None:
    spec, poses = table_scene(), reach(5)
    renderer = frames.Renderer(spec, gray_look(spec))
    all_steps = renderer.render(poses)
    alone = renderer.render(poses[3:4], cameras=[WRIST])
    assert list(alone) == ["wrist"]
    assert np.array_equal(alone["wrist"].rgb[0], all_steps["wrist"].rgb[3])
    assert all_steps["front"].rgb.shape == (5, 96, 96, 3)


def test_wrist_camera_moves_with_the_hand() -> None:
    spec, poses = table_scene(), reach(4)
    where = frames.camera_poses(spec, WRIST, poses)
    hand = poses[:, visual_links(spec).index("panda_hand")]
    assert np.allclose(where, compose(hand, np.array(WRIST.pose)))
    fixed = dataclasses.replace(WRIST, mount="", pose=pose_tuple(where[2]))
    renderer = frames.Renderer(spec, gray_look(spec))
    moving = renderer.render(poses)["wrist"]
    assert np.abs(moving.rgb[0].astype(int) - moving.rgb[2]).mean() > 3
    still = renderer.render(poses[2:3], cameras=[fixed])["wrist"]
    assert np.array_equal(still.rgb[0], moving.rgb[2])


def test_both_fingertips_are_in_the_wrist_picture() -> None:
    spec = table_scene()
    segmentation = frames.Renderer(spec, gray_look(spec)).render(reach(1))["wrist"].segmentation[0]
    robot = segmentation == 1
    assert robot[:, :48].any()
    assert robot[:, 48:].any()
    assert robot.mean() < 0.4


def test_shadow_lies_below_a_floating_box() -> None:
    """Under a light from straight above, the table is dark below the box and only there."""
    spec = table_scene(1, (dataclasses.replace(FRONT, width=200, height=200),))
    box = dataclasses.replace(spec.bodies[2], pose=(0.44, 0.0, 0.15, 0, 0, 0, 1))
    spec = dataclasses.replace(spec, bodies=(*spec.bodies[:2], box))
    lit, shadowed = (
        frames.render(spec, link_poses(spec), gray_look(spec, shadows))["front"]
        for shadows in (False, True)
    )
    table = lit.segmentation[0] == 3
    darker = (lit.rgb[0].astype(int) - shadowed.rgb[0])[..., 1]
    seen_shadow = table & (darker > 20)
    columns = np.nonzero(seen_shadow)[1]
    assert 20 < seen_shadow.sum() < 1500
    assert abs(columns.mean() - 100) < 4
    assert np.abs(darker[table & ~seen_shadow]).mean() < 0.1
    expected = 0.045**2  # square metres of table, seen at this distance and slant
    depth = lit.depth[0][seen_shadow].mean()
    focal = 100 / np.tan(np.radians(FRONT.fov / 2))
    eye = np.array(FRONT.pose[:3]) - [0.44, 0.0, 0.0]
    slant = eye[2] / np.linalg.norm(eye)
    assert abs(seen_shadow.sum() / (expected * slant * (focal / depth) ** 2) - 1) < 0.25


def test_no_shadow_acne_on_a_lit_table() -> None:
    spec = table_scene(0)
    lit, shadowed = (
        frames.render(spec, link_poses(spec), gray_look(spec, s))["front"] for s in (False, True)
    )
    on_table = lit.segmentation == 3
    assert np.array_equal(lit.rgb[on_table], shadowed.rgb[on_table])


def test_antialiasing_is_an_average_in_linear_light() -> None:
    """A quarter of the tent's weight sees white: sRGB 137, where bytes would average 64."""
    ball = Body(
        "wall", Shape("box", {"x": 1.0, "y": 1.0, "z": 1.0}), (0, 0.501, 0, 0, 0, 0, 1), 0, 1
    )
    camera = dataclasses.replace(FRONT, width=9, height=9, pose=look_at((3.0, 0, 0), (0, 0, 0)))
    spec = lone_body(ball, camera)
    look = gray_look(spec)
    white, black = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    material = dataclasses.replace(look.materials[0], color=white)
    look = dataclasses.replace(
        look,
        materials=(material,),
        lights=(),
        ambient_sky=white,
        ambient_ground=white,
        background_top=black,
        background_bottom=black,
    )
    row = frames.render(spec, link_poses(spec), look, antialias=True)["front"].rgb[0, 4, :, 0]
    assert row[0] == 0
    assert row[-1] == 255
    assert row[4] == 137


def test_refusals_name_the_offender() -> None:
    spec = table_scene(1)
    look = gray_look(spec)
    renderer = frames.Renderer(spec, look)
    with pytest.raises(RobokilnError, match=r"\[T, 14, 7\]"):
        renderer.render(reach(1)[:, :5])
    lost = dataclasses.replace(WRIST, mount="panda_thumb")
    with pytest.raises(RobokilnError, match=r"panda_thumb.*available.*panda_hand"):
        renderer.render(link_poses(spec), cameras=[lost])
    with pytest.raises(RobokilnError, match="expected 3 materials"):
        frames.Renderer(spec, dataclasses.replace(look, materials=look.materials[:1]))
    with pytest.raises(RobokilnError, match="fov"):
        frames.CameraConfig("front", 96, 96, 190.0, (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)).build()
    with pytest.raises(RobokilnError, match="up"):
        frames.CameraConfig("front", 96, 96, 40.0, (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)).build()


def test_looks_that_have_no_picture_are_refused() -> None:
    """What is not a number must not become an index: it would end the process."""
    spec = table_scene(1)
    look = gray_look(spec)
    light, material = look.lights[0], look.materials[1]
    texture = Texture("wood", 1, ((0.7, 0.5, 0.3), (0.4, 0.2, 0.1)), 0.0)
    for changes, said in (
        ({"lights": (dataclasses.replace(light, intensity=-1.0),)}, r"lights\[0\].intensity"),
        ({"lights": (dataclasses.replace(light, color=(float("nan"), 1, 1)),)}, "finite"),
        ({"ambient_sky": (1.2, 0.0, 0.0)}, "ambient_sky"),
        ({"robot": dataclasses.replace(material, metallic=5.0)}, "look.robot.metallic"),
        ({"robot": dataclasses.replace(material, texture=texture)}, "texture.scale"),
    ):
        with pytest.raises(RobokilnError, match=said):
            frames.Renderer(spec, dataclasses.replace(look, **changes))
    poses = link_poses(spec)
    poses[0, 3, 1] = np.nan
    with pytest.raises(RobokilnError, match="finite"):
        frames.render(spec, poses, look)
    with pytest.raises(RobokilnError, match="2 cameras"):
        frames.render(spec, link_poses(spec), look, (FRONT, FRONT))


def test_each_kernel_is_compiled_for_one_signature() -> None:
    """Warming up is enough: a real scene in any size needs no further compilation."""
    frames.warm_up()
    reference_digest()
    kernels: list[Any] = [place, draw_triangles, shade_picture]
    assert [len(kernel.signatures) for kernel in kernels] == [1, 2, 1]  # with and without labels
