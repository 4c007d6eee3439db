{{- define "docket.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "docket.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "docket.labels" -}}
{{ include "docket.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "docket.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "docket.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "docket.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "docket.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "docket.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Temporal's address and TLS; the Worker Controller sets these itself. */}}
{{- define "docket.temporalEnvironment" -}}
- name: TEMPORAL_ADDRESS
  value: {{ .Values.temporal.address | quote }}
- name: TEMPORAL_NAMESPACE
  value: {{ .Values.temporal.namespace | quote }}
{{- if .Values.temporal.mutualTlsSecret }}
- name: TEMPORAL_TLS_CLIENT_CERT_PATH
  value: /etc/temporal/tls/tls.crt
- name: TEMPORAL_TLS_CLIENT_KEY_PATH
  value: /etc/temporal/tls/tls.key
{{- end }}
{{- end }}

{{- define "docket.environment" -}}
- name: DOCKET_HEALTH_HOST
  value: "0.0.0.0"
{{- range $name, $value := .Values.config }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- if .Values.temporal.caSecret }}
- name: TEMPORAL_TLS_SERVER_CA_CERT_PATH
  value: /etc/temporal/ca/ca.crt
{{- end }}
{{- end }}

{{/* What is mounted besides /tmp: root, controlled (the Worker Controller mounts the client certificate itself). */}}
{{- define "docket.volumeMounts" -}}
{{- if and .root.Values.temporal.mutualTlsSecret (not .controlled) }}
- { name: temporal-tls, mountPath: /etc/temporal/tls, readOnly: true }
{{- end }}
{{- if .root.Values.temporal.caSecret }}
- { name: temporal-ca, mountPath: /etc/temporal/ca, readOnly: true }
{{- end }}
{{- if .root.Values.database.caSecret }}
- { name: database-ca, mountPath: /etc/postgresql/ca, readOnly: true }
{{- end }}
{{- with .root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "docket.volumes" -}}
{{- if and .root.Values.temporal.mutualTlsSecret (not .controlled) }}
- name: temporal-tls
  secret: { secretName: {{ .root.Values.temporal.mutualTlsSecret }} }
{{- end }}
{{- if .root.Values.temporal.caSecret }}
- name: temporal-ca
  secret: { secretName: {{ .root.Values.temporal.caSecret }} }
{{- end }}
{{- if .root.Values.database.caSecret }}
- name: database-ca
  secret: { secretName: {{ .root.Values.database.caSecret }} }
{{- end }}
{{- with .root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
The pod of a worker: root, component, worker (values), queues, controlled (by the Worker Controller), reaped (whether the
pod's own first process collects what killed recognisers leave: Node collects its own children only).
*/}}
{{- define "docket.workerPod" -}}
metadata:
  labels:
    {{- include "docket.labels" . | nindent 4 }}
  {{- if .root.Values.metrics.annotations }}
  annotations:
    prometheus.io/scrape: "true"
    prometheus.io/port: "9464"
    prometheus.io/path: /metrics
  {{- end }}
spec:
  serviceAccountName: {{ include "docket.serviceAccount" .root }}
  automountServiceAccountToken: false
  {{- if .reaped }}
  shareProcessNamespace: true
  {{- end }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
  securityContext:
    {{- include "docket.podSecurity" . | nindent 4 }}
  {{- with .worker.nodeSelector }}
  nodeSelector: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .worker.tolerations }}
  tolerations: {{ toYaml . | nindent 4 }}
  {{- end }}
  {{- with .worker.affinity }}
  affinity: {{ toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "docket.selector" . | nindent 10 }}
  containers:
    - name: worker
      image: {{ include "docket.image" .root | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: ["worker", "--queues", {{ .queues | quote }}]
      env:
        - name: NODE_OPTIONS
          value: "--max-old-space-size={{ .worker.heapMebibytes }}"
        {{- include "docket.environment" .root | nindent 8 }}
        {{- if not .controlled }}
        {{- include "docket.temporalEnvironment" .root | nindent 8 }}
        {{- end }}
      envFrom:
        - secretRef: { name: {{ .root.Values.existingSecret }} }
      ports:
        - { name: metrics, containerPort: 9464 }
      # A worker that waits for Temporal or PostgreSQL is not ended for it: it is started again only when it hangs.
      startupProbe:
        httpGet: { path: /healthz, port: metrics }
        periodSeconds: 5
        failureThreshold: 60
      readinessProbe:
        httpGet: { path: /healthz, port: metrics }
        periodSeconds: 10
        timeoutSeconds: 5
      livenessProbe:
        httpGet: { path: /healthz, port: metrics }
        periodSeconds: 20
        timeoutSeconds: 5
        failureThreshold: 6
      resources: {{ toYaml .worker.resources | nindent 8 }}
      securityContext:
        {{- include "docket.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        {{- include "docket.volumeMounts" . | nindent 8 }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: {{ .worker.temporaryDisk }} }
    {{- include "docket.volumes" . | nindent 4 }}
{{- end }}
