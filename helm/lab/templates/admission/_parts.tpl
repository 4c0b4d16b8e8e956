{{- /* What the admission policies share: who asks, and where. */ -}}

{{- define "lab.user" -}}
system:serviceaccount:{{ .root.Release.Namespace }}:{{ .account }}
{{- end -}}

{{- define "lab.isUser" -}}
request.userInfo.username == '{{ include "lab.user" . }}'
{{- end -}}

{{- define "lab.inGroups" -}}
request.userInfo.groups.exists(g, g in {{ . | default list | toJson | replace "\"" "'" }})
{{- end -}}

{{- /* The cluster's own controllers carry out what was admitted. */ -}}
{{- define "lab.isController" -}}
({{ include "lab.inGroups" .Values.admission.controllers }} || request.userInfo.username in {{ .Values.admission.controllerUsers | default list | toJson | replace "\"" "'" }})
{{- end -}}

{{- define "lab.isOfLab" -}}
request.userInfo.username.startsWith('system:serviceaccount:{{ .Release.Namespace }}:')
{{- end -}}

{{- /* Whether labels, in CEL, are those of a sandbox of this lab. */ -}}
{{- define "lab.marked" -}}
({{ .of }}.metadata.?labels['vase-clos.lab/lab'].orValue('') == '{{ .root.Release.Namespace }}' && 'vase-clos.lab/sandbox' in {{ .of }}.metadata.?labels.orValue({}))
{{- end -}}

{{- define "lab.inSandboxes" -}}
namespaceSelector:
  matchLabels:
    vase-clos.lab/lab: {{ .Release.Namespace }}
  matchExpressions:
    - {key: vase-clos.lab/sandbox, operator: Exists}
{{- end -}}

{{- /* A policy is bound everywhere; where it matters is said in the policy. */ -}}
{{- define "lab.bind" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "lab.wide" .root }}-{{ .name }}
  labels:
    {{- include "lab.labels" (dict "root" .root "component" "admission") | nindent 4 }}
spec:
  policyName: {{ include "lab.wide" .root }}-{{ .name }}
  validationActions: [Deny, Audit]
{{- end -}}
