module vase-clos.invalid/tiny

go 1.26
