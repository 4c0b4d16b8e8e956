// The Gateway API's own definitions, which the chart's HTTPRoute is held against: files, no program.
module vase-clos.lab/tests/cluster/gateway

go 1.26

require sigs.k8s.io/gateway-api v1.3.0
