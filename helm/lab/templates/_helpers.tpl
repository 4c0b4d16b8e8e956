{{- /* Names, labels and the parts that every pod of the lab shares. */ -}}

{{- define "lab.labels" -}}
{{ include "lab.selector" . }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "lab.selector" -}}
app.kubernetes.io/name: vase-clos
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* Objects that belong to no namespace and are this lab's own are named after its. */ -}}
{{- define "lab.wide" -}}
{{ .Release.Namespace }}
{{- end -}}

{{- define "lab.secret" -}}
{{ .Values.existingSecret | default "lab-secrets" }}
{{- end -}}

{{- define "lab.domain" -}}
{{ regexReplaceAll ":[0-9]+$" (urlParse .Values.publicUrl).host "" }}
{{- end -}}

{{- define "lab.publicPort" -}}
{{- $url := urlParse .Values.publicUrl -}}
{{ regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end -}}

{{- define "lab.image" -}}
{{- $given := get .root.Values.images .name -}}
{{- if kindIs "map" $given -}}{{- $given = $given.reference -}}{{- end -}}
{{- required (printf "images.%s: give a reference by digest (--values images/digests.json, that 'lab images push' writes)" .name) $given -}}
{{- end -}}

{{- define "lab.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ .uid | default 1000 }}
runAsGroup: {{ .uid | default 1000 }}
fsGroup: {{ .uid | default 1000 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- if .lowPorts }}
# It listens where services usually do, and has no capability for it.
sysctls:
  - {name: net.ipv4.ip_unprivileged_port_start, value: "0"}
{{- end }}
{{- end -}}

{{- define "lab.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* What every pod of the lab has. `token`: whether it speaks to the API server. */ -}}
{{- define "lab.pod" -}}
serviceAccountName: {{ .account | default .component }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
priorityClassName: vase-clos-lab
securityContext:
  {{- include "lab.podSecurity" . | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "lab.spread" -}}
topologySpreadConstraints:
  {{- range (list "kubernetes.io/hostname" "topology.kubernetes.io/zone") }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    # Else an upgrade's new pods stand apart from the old ones, and all together.
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- include "lab.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}

{{- /* A change of what a pod is told starts it anew. */ -}}
{{- define "lab.told" -}}
vase-clos.lab/told: {{ include "lab.cluster" .root | cat (toJson .root.Values.publicUrl) | sha256sum | trunc 16 }}
{{- end -}}

{{- /*
Files of the lab's Secret, only those named. `may`: those without which the pod starts too, because
an existing Secret of a lab that takes no dossiers does not have them.
`others`: one key each of Secrets that the values name.
*/ -}}
{{- define "lab.secretVolume" -}}
- name: secrets
  {{- if or .may .others }}
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "lab.secret" .root }}
          items:
            {{- range .keys }}
            - {key: {{ . }}, path: {{ . }}}
            {{- end }}
      {{- range .may }}
      - secret:
          name: {{ include "lab.secret" $.root }}
          optional: true
          items: [{key: {{ . }}, path: {{ . }}}]
      {{- end }}
      {{- range .others }}
      - secret:
          name: {{ .secret }}
          items: [{key: {{ .key }}, path: {{ .key }}}]
      {{- end }}
  {{- else }}
  secret:
    secretName: {{ include "lab.secret" .root }}
    defaultMode: 0440
    {{- if .optional }}
    optional: true
    {{- end }}
    items:
      {{- range .keys }}
      - {key: {{ . }}, path: {{ . }}}
      {{- end }}
  {{- end }}
{{- end -}}

{{- define "lab.environment" -}}
- {name: LAB_RUNTIME, value: kubernetes}
- {name: LAB_PUBLIC_URL, value: {{ .Values.publicUrl | quote }}}
- {name: LAB_STATE_DIR, value: /var/lib/lab}
# Who may speak to the control plane at all is said by the policies of this namespace.
- {name: LAB_TRUSTED_PROXIES, value: "*"}
- {name: LAB_NOTEBOOK_IDLE, value: {{ .Values.sandbox.idle | quote }}}
- {name: LAB_TIME_ZONE, value: {{ .Values.timeZone | quote }}}
- {name: LAB_CLUSTER, value: {{ include "lab.cluster" . | quote }}}
{{- with .Values.mail }}
{{- if .host }}
{{- $mail := dict "host" .host "port" (int .port) "security" .security "sender" .sender }}
{{- if .username }}
{{- $mail = merge $mail (dict "username" .username "password_file" "/var/lib/lab/secrets/smtp-password") }}
{{- end }}
- {name: LAB_MAIL, value: {{ toJson $mail | quote }}}
{{- end }}
{{- end }}
{{ include "lab.quiet" . }}
{{- end -}}

{{- /* The API alone signs people in. */ -}}
{{- define "lab.signIn" -}}
{{- with .Values.signIn -}}
{{- $oidc := dict "issuer" .issuer "client_id" .clientId "scopes" .scopes "policy" "/etc/lab/signin.yaml" -}}
{{- range $language, $text := .label -}}
{{- if $text -}}
{{- $_ := set $oidc (printf "label_%s" $language) $text -}}
{{- end -}}
{{- end -}}
- {name: LAB_OIDC, value: {{ toJson $oidc | quote }}}
{{- end -}}
{{- end -}}

{{- define "lab.quiet" -}}
- {name: HOME, value: /var/lib/lab}
- {name: PYTHONUNBUFFERED, value: "1"}
- {name: PYTHONDONTWRITEBYTECODE, value: "1"}
- {name: MALLOC_ARENA_MAX, value: "2"}
- {name: NO_PROXY, value: "*"}
- {name: no_proxy, value: "*"}
{{- end -}}

{{- define "lab.storageUrl" -}}
{{- if .Values.storage.bundled -}}
http://storage:9000
{{- else -}}
{{- required "storage.external.url: give the address of your S3, or set storage.bundled" .Values.storage.external.url -}}
{{- end -}}
{{- end -}}

{{- define "lab.storageAccessKey" -}}
{{- if .Values.storage.bundled -}}
{{ .Values.storage.accessKey }}
{{- else -}}
{{- required "storage.external.accessKey: whose secret key is s3-admin-key" .Values.storage.external.accessKey -}}
{{- end -}}
{{- end -}}

{{- /* What the control plane is told of the cluster: one JSON object. */ -}}
{{- define "lab.cluster" -}}
{{- $images := dict "notebook" (include "lab.image" (dict "root" . "name" "notebook")) "probe" (include "lab.image" (dict "root" . "name" "probe")) -}}
{{- dict
  "namespace" .Release.Namespace
  "hub_url" "http://hub:8081"
  "tracking_url" "http://tracking:5000"
  "storage_url" (include "lab.storageUrl" .)
  "storage_admin" (ternary "minio" .Values.storage.external.admin .Values.storage.bundled)
  "storage_access_key" (include "lab.storageAccessKey" .)
  "quarantine_bucket" .Values.dossiers.bucket
  "quarantine_access_key" .Values.dossiers.accessKey
  "images" $images
  "tracking_artifacts" "s3://suivi/artefacts"
  "storage_class" .Values.sandbox.storageClass
  "internet" .Values.sandbox.internet
  "witness_host" "witness-each"
  "pull_secret" .Values.sandbox.pullSecret
  | toJson -}}
{{- end -}}
