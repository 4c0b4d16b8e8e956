{{- /* Who may be named in the policies of the lab's own namespace. */ -}}

{{- define "lab.peer" -}}
- podSelector:
    matchLabels:
      {{- include "lab.selector" (dict "component" .) | nindent 6 }}
{{- end -}}

{{- define "lab.peers" -}}
{{- range . }}
{{ include "lab.peer" . }}
{{- end }}
{{- end -}}

{{- /* Every sandbox of this lab; with `component`, only those pods in it. */ -}}
{{- define "lab.sandboxes" -}}
- namespaceSelector:
    matchLabels:
      vase-clos.lab/lab: {{ .root.Release.Namespace }}
    matchExpressions:
      - {key: vase-clos.lab/sandbox, operator: Exists}
  {{- with .component }}
  podSelector:
    matchLabels:
      vase-clos.lab/component: {{ . }}
  {{- end }}
{{- end -}}

{{- define "lab.toNames" -}}
{{- $dns := .Values.networkPolicy.dns -}}
- to:
    {{- if $dns.cidrs }}
    {{- range $dns.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
    {{- else }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $dns.namespace }}
      {{- with $dns.podLabels }}
      podSelector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
    {{- end }}
  ports:
    {{- range $dns.ports }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{- /* The API server is no pod: its addresses, after translation, are looked up or given. */ -}}
{{- define "lab.toApiServer" -}}
{{- $given := .Values.networkPolicy.apiServer -}}
{{- $slices := (lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "").items | default list -}}
{{- $found := false -}}
{{- if $given.cidrs -}}
{{- $found = true -}}
- to:
    {{- range $given.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  ports:
    - {protocol: TCP, port: {{ $given.port }}}
{{- else -}}
{{- range $slice := $slices -}}
{{- if and (eq (get ($slice.metadata.labels | default dict) "kubernetes.io/service-name") "kubernetes") $slice.endpoints -}}
{{- $found = true }}
- to:
    {{- range $slice.endpoints }}
    {{- range .addresses }}
    - ipBlock: {cidr: "{{ . }}/{{ ternary 128 32 (eq $slice.addressType "IPv6") }}"}
    {{- end }}
    {{- end }}
  ports:
    {{- range $slice.ports }}
    - {protocol: TCP, port: {{ .port }}}
    {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $found }}
- ports:
    - {protocol: TCP, port: 443}
    - {protocol: TCP, port: {{ $given.port }}}
{{- end -}}
{{- end -}}

{{- define "lab.toStorage" -}}
{{- if .Values.storage.bundled -}}
- to:
    {{- include "lab.peer" "storage" | nindent 4 }}
  ports:
    - {protocol: TCP, port: 9000}
{{- else -}}
{{- include "lab.toUrl" .Values.storage.external -}}
{{- end -}}
{{- end -}}

{{- /* To where the `url` leads, at `cidrs` if there are any. */ -}}
{{- define "lab.toUrl" -}}
{{- $url := urlParse .url -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- include "lab.toOutside" (dict "port" $port "cidrs" .cidrs) -}}
{{- end -}}

{{- define "lab.toOutside" -}}
- ports:
    - {protocol: TCP, port: {{ .port }}}
  {{- with .cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end -}}

{{- define "lab.toDatabase" -}}
{{- if .Values.database.bundled -}}
- to:
    {{- include "lab.peer" "database" | nindent 4 }}
  ports:
    - {protocol: TCP, port: 5432}
{{- else -}}
{{- include "lab.toOutside" .Values.database.external -}}
{{- end -}}
{{- end -}}

{{- /* One rule to another component: `to` its name, `port` its number. */ -}}
{{- define "lab.toPart" -}}
- to:
    {{- include "lab.peer" .to | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ .port }}}
{{- end -}}

{{- define "lab.from" -}}
- from:
    {{- include "lab.peers" .from | trim | nindent 4 }}
  ports:
    - {protocol: TCP, port: {{ .port }}}
{{- end -}}

{{- define "lab.policyHead" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .component }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "lab.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "lab.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}
