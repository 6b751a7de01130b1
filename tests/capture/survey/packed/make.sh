#!/bin/sh
# Packs our own scene by other people's tools, which is what the files here are. From the top of the repository:
#   npm install @gltf-transform/cli@4.5.1 gltfpack@1.3.0 && sh tests/capture/survey/packed/make.sh
#   pip install bpy==5.0.1 && python tests/capture/survey/packed/make_blender.py tests/capture/survey/packed
set -e
here=$(dirname "$0")
work=$(mktemp -d)
python -m tests.capture.survey.packed_source "$work/s.glb"
python -m tests.capture.survey.packed_source "$work/strip.glb" strip
python -m tests.capture.survey.packed_source "$work/ball.glb" ball
tool=${GLTF_TRANSFORM:-npx gltf-transform}
pack=${GLTFPACK:-npx gltfpack}
$tool draco "$work/s.glb" "$here/draco.glb"
$tool meshopt "$work/s.glb" "$here/meshopt.glb" --level high
$tool meshopt "$work/strip.glb" "$here/meshopt_strip.glb"
$tool meshopt "$work/ball.glb" "$here/meshopt_ball.glb" --level high
$tool quantize "$work/s.glb" "$here/quantized.glb"
$tool instance "$work/s.glb" "$here/instanced.glb" --min 2
$tool webp "$work/s.glb" "$here/webp.glb"
$pack -i "$work/s.glb" -o "$here/gltfpack_instanced.glb" -cc -mi -kv
$pack -i "$work/s.glb" -o "$here/gltfpack_floats.glb" -c -vpf -vtf -kn
$pack -i "$work/ball.glb" -o "$here/gltfpack_ball.glb" -cc -kn
$pack -i "$work/ball.glb" -o "$here/gltfpack_ball_fine.glb" -cc -kn -vn 12
rm -r "$work"
