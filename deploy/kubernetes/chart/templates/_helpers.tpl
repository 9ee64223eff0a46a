{{- define "portreeve.labels" -}}
app.kubernetes.io/part-of: portreeve
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "portreeve.podSecurity" -}}
fsGroup: 65532
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "portreeve.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "portreeve.probes" -}}
startupProbe: { httpGet: { path: /livez, port: admin }, periodSeconds: 1, failureThreshold: {{ . }} }
livenessProbe: { httpGet: { path: /livez, port: admin }, periodSeconds: 10 }
readinessProbe: { httpGet: { path: /readyz, port: admin }, periodSeconds: 2 }
{{- end -}}

{{- define "portreeve.authorityConfig" -}}
trust_domain: {{ .Values.trustDomain }}
listen: 0.0.0.0:15443
socket: /run/portreeve/authority.sock
{{- if eq .Values.authority.store "sqlite" }}
store: { sqlite: /var/lib/portreeve/authority.db }
{{- else }}
store: { postgres_url_file: /etc/portreeve/keys/database.url }
{{- end }}
sealing_key_file: /etc/portreeve/keys/sealing.key
upstream: { certificate: /etc/portreeve/keys/root.crt, key: /etc/portreeve/keys/root.key }
entries: /etc/portreeve/entries
proofs:
  kubernetes:
    - name: cluster
      issuer: {{ .Values.authority.issuer }}
      token_review:
        url: https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews
        ca_file: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
        token_file: /var/run/secrets/kubernetes.io/serviceaccount/token
policy:
  dir: /etc/portreeve/policies
  services: {{ toJson .Values.authority.services }}
audit: { stdout: true }
admin: { listen: "0.0.0.0:15440", allow_remote: true }
{{- end -}}

{{- define "portreeve.injectorConfig" -}}
trust_domain: {{ .Values.trustDomain }}
listen: 0.0.0.0:15445
certificate: /etc/portreeve/keys/injector.crt
key: /etc/portreeve/keys/injector.key
authority:
  url: https://portreeve-authority.{{ .Release.Namespace }}.svc:15443
  roots: /etc/portreeve/keys/root.crt
sidecar:
  {{- $sidecar := dict "image" .Values.image }}
  {{- with .Values.initImage }}{{ $_ := set $sidecar "init_image" . }}{{ end }}
  {{- if ne .Values.imagePullPolicy "IfNotPresent" }}{{ $_ := set $sidecar "pull_policy" .Values.imagePullPolicy }}{{ end }}
  {{- toYaml (merge $sidecar .Values.injector.sidecar) | nindent 2 }}
audit: { stdout: true }
admin: { listen: "0.0.0.0:15446", allow_remote: true }
{{- end -}}

{{- define "portreeve.webhook" -}}
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Fail
matchPolicy: Equivalent
reinvocationPolicy: IfNeeded
timeoutSeconds: 5
clientConfig:
  caBundle: {{ required "files.injectorCa: --set-file files.injectorCa=DIR/injector-ca.crt" .Values.files.injectorCa | b64enc }}
  service: { name: portreeve-injector, namespace: {{ .Release.Namespace }}, path: /inject, port: 443 }
rules:
  - { apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE], scope: Namespaced }
{{- end -}}

{{- define "portreeve.notSystem" -}}
{ key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, kube-public, kube-node-lease, {{ .Release.Namespace }}] }
{{- end -}}
