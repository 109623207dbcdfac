"""The network: VGG16 or VGG19, from a picture in VGG space to the feature maps of its layers.

Begin with `network`. Around it stand the names and sizes of the layers (`layers`, facts without
TensorFlow), where weights come from (`weights`), which arithmetic is used (`precision`, `float16`)
and what part of a picture a tile depends on (`tiles`). Imports `images`, `preprocessing` and
`_utils`.
"""
