"""Container images: what they are made of, built, pushed and described.

An image is a Dockerfile, files of this repository and locked Python wheels. The
wheels are fetched outside the build, by hash, so that a build needs no package
index: an agency without internet carries the folder of wheels along.
"""
