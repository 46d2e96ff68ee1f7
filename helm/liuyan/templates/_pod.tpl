{{/* The variables of a container: each name once, whoever set it. Takes also `more`, which has the last word. */}}
{{- define "liuyan.env" -}}
{{- $env := dict "LIUYAN_CONFIG" "/etc/liuyan/config/config.toml" "LIUYAN_DATA_DIR" "/tmp/liuyan" "LIUYAN_LOG" .root.Values.telemetry.log -}}
{{- with .root.Values.telemetry.otlpEndpoint -}}{{- $_ := set $env "LIUYAN_OTLP_ENDPOINT" . -}}{{- end -}}
{{- $env = mergeOverwrite $env (deepCopy .svc.env) (deepCopy .svc.extraEnv) (default dict .more) -}}
env:
{{- range $name := keys $env | sortAlpha }}
{{- $value := get $env $name }}
  - name: {{ $name }}
    {{- if kindIs "map" $value }}
    {{- toYaml $value | nindent 4 }}
    {{- else }}
    value: {{ include "liuyan.text" (dict "root" $.root "name" $.name "text" $value) | quote }}
    {{- end }}
{{- end }}
{{- with .svc.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "liuyan.mounts" -}}
{{- $values := .root.Values -}}
volumeMounts:
  - {name: config, mountPath: /etc/liuyan/config, readOnly: true}
  - {name: secrets, mountPath: /etc/liuyan/secrets, readOnly: true}
  - {name: keys, mountPath: /etc/liuyan/keys, readOnly: true}
  - {name: public, mountPath: /etc/liuyan/public, readOnly: true}
  - {name: tmp, mountPath: /tmp}
{{- if $values.tls.enabled }}
  - {name: tls, mountPath: /etc/liuyan/tls, readOnly: true}
{{- end }}
{{- if not $values.evaluation.enabled }}
{{- if $values.postgres.caSecret }}
  - {name: postgres-ca, mountPath: /etc/liuyan/postgres, readOnly: true}
{{- end }}
{{- if $values.nats.caSecret }}
  - {name: nats-ca, mountPath: /etc/liuyan/nats, readOnly: true}
{{- end }}
{{- if $values.objects.caSecret }}
  - {name: objects-ca, mountPath: /etc/liuyan/objects-ca, readOnly: true}
{{- end }}
{{- end }}
{{- if include "liuyan.claim" . }}
  - {name: objects, mountPath: /var/lib/liuyan/objects}
{{- end }}
{{- range $name := keys .svc.extraVolumeMounts | sortAlpha }}
  - {{ toJson (merge (dict "name" $name) (get $.svc.extraVolumeMounts $name)) }}
{{- end }}
{{- end -}}

{{/* The claim in which objects lie, if it is one. */}}
{{- define "liuyan.claim" -}}
{{- if .root.Values.objects.endpoint -}}
{{- else if .root.Values.objects.existingClaim -}}
{{- .root.Values.objects.existingClaim -}}
{{- else if .root.Values.evaluation.enabled -}}
{{- printf "%s-objects" (include "liuyan.fullname" .root) -}}
{{- end -}}
{{- end -}}

{{/* Takes also `owner`: whether the pod migrates with a role of its own. */}}
{{- define "liuyan.volumes" -}}
{{- $values := .root.Values -}}
volumes:
  - name: config
    configMap: {name: {{ include "liuyan.name" . }}}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- if include "liuyan.keeps" . }}
        - secret:
            name: {{ include "liuyan.postgresSecret" . }}
            items: [{key: {{ ternary "postgres-password" (include "liuyan.postgres" (merge (dict "key" "passwordKey") .)) $values.evaluation.enabled }}, path: postgres}]
        {{- end }}
        {{- if and (include "liuyan.onBus" .) (or $values.evaluation.enabled (ne $values.nats.credentials "none")) }}
        - secret:
            name: {{ include "liuyan.natsSecret" . }}
            items: [{key: {{ ternary "nats-password" $values.nats.secretKey $values.evaluation.enabled }}, path: nats}]
        {{- end }}
        {{- if and $values.objects.endpoint $values.objects.existingSecret }}
        - secret:
            name: {{ include "liuyan.text" (dict "root" .root "name" .name "text" $values.objects.existingSecret) }}
            items: [{key: {{ $values.objects.accessKeyKey }}, path: objects-access}, {key: {{ $values.objects.secretKeyKey }}, path: objects-secret}]
        {{- end }}
{{- if and .owner (include "liuyan.hasOwner" .) }}
  - name: owner
    secret:
      secretName: {{ include "liuyan.text" (dict "root" .root "name" .name "text" $values.postgres.ownerExistingSecret) }}
      defaultMode: 0440
      items: [{key: {{ $values.postgres.ownerPasswordKey }}, path: postgres}]
{{- end }}
  - name: keys
    secret: {secretName: {{ include "liuyan.keysSecret" . }}, defaultMode: 0440}
  - name: public
    configMap: {name: {{ include "liuyan.publicKeys" . }}}
  - name: tmp
    emptyDir: {sizeLimit: {{ .svc.tmpSize }}}
{{- if $values.tls.enabled }}
  - name: tls
    secret: {secretName: {{ include "liuyan.text" (dict "root" .root "name" .name "text" $values.tls.existingSecret) }}, defaultMode: 0440}
{{- end }}
{{- if not $values.evaluation.enabled }}
{{- with $values.postgres.caSecret }}
  - name: postgres-ca
    secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- with $values.nats.caSecret }}
  - name: nats-ca
    secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- with $values.objects.caSecret }}
  - name: objects-ca
    secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}
{{- with include "liuyan.claim" . }}
  - name: objects
    persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- range $name := keys .svc.extraVolumes | sortAlpha }}
  - {{ toJson (merge (dict "name" $name) (get $.svc.extraVolumes $name)) }}
{{- end }}
{{- end -}}

{{- define "liuyan.hasOwner" -}}
{{- if and .root.Values.postgres.ownerUser (not .root.Values.evaluation.enabled) -}}true{{- end -}}
{{- end -}}

{{/* The container that migrates; with a role of its own, if there is one. */}}
{{- define "liuyan.migrating" -}}
{{- $values := .root.Values -}}
{{- $more := dict -}}
{{- if include "liuyan.hasOwner" . -}}
{{- $more = dict (printf "%s__DATABASE__PASSWORD_FILE" (upper .name)) "/etc/liuyan/owner/postgres" -}}
{{- end -}}
{{- if or $more $values.postgres.directHost -}}
{{- $_ := set $more (printf "%s__DATABASE__URL" (upper .name)) (include "liuyan.databaseUrl" (merge (dict "owner" true) .)) -}}
{{- end -}}
name: migrate
image: {{ include "liuyan.image" (dict "root" .root "image" $values.image) }}
imagePullPolicy: {{ $values.image.pullPolicy }}
args: [migrate, {{ .name }}]
{{ include "liuyan.env" (merge (dict "more" $more) .) }}
{{ include "liuyan.mounts" . }}
{{- if include "liuyan.hasOwner" . }}
  - {name: owner, mountPath: /etc/liuyan/owner, readOnly: true}
{{- end }}
resources:
  {{- toYaml $values.migrations.resources | nindent 2 }}
securityContext:
  {{- toYaml .svc.securityContext | nindent 2 }}
{{- end -}}

{{/* Where pods may be, and as whom they run. */}}
{{- define "liuyan.placing" -}}
serviceAccountName: {{ include "liuyan.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- include "liuyan.pullSecrets" . }}
securityContext:
  {{- toYaml .svc.podSecurityContext | nindent 2 }}
{{- with .svc.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .svc.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .svc.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with .svc.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .svc.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .svc.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
