{{/* Ends with a sentence. Where Helm only lints, `fail` says nothing; the second way is heard there, too. */}}
{{- define "liuyan.fail" -}}
{{- fail . -}}
{{- include . "" -}}
{{- end -}}

{{- define "liuyan.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 32 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 32 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 32 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What follows takes a dict: root, and for one service: name, card, svc. */}}
{{- define "liuyan.name" -}}
{{- printf "%s-%s" (include "liuyan.fullname" .root) .name -}}
{{- end -}}

{{- define "liuyan.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "liuyan.labels" -}}
{{ include "liuyan.selector" . }}
app.kubernetes.io/part-of: liuyan
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- range $key, $value := .root.Values.global.labels }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{/* Name, namespace, labels and annotations; `suffix` and `annotations` are optional. */}}
{{- define "liuyan.metadata" -}}
name: {{ include "liuyan.name" . }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "liuyan.labels" . | nindent 2 }}
{{- $annotations := merge (dict) (default dict .annotations) .root.Values.global.annotations }}
{{- if $annotations }}
annotations:
  {{- range $key, $value := $annotations }}
  {{ $key }}: {{ include "liuyan.text" (dict "root" $.root "name" $.name "text" $value) | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A text with templates in it; `.service` is the service. */}}
{{- define "liuyan.text" -}}
{{- $text := toString .text -}}
{{- if contains "{{" $text -}}
{{- tpl $text (merge (dict "service" .name) .root) -}}
{{- else -}}
{{- $text -}}
{{- end -}}
{{- end -}}

{{/* An image; the digest wins over the tag. Takes root and image. */}}
{{- define "liuyan.image" -}}
{{- $registry := default .image.registry .root.Values.global.imageRegistry -}}
{{- $name := .image.repository -}}
{{- if $registry -}}{{- $name = printf "%s/%s" $registry $name -}}{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "liuyan.pullSecrets" -}}
{{- with .root.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "liuyan.serviceAccountName" -}}
{{- if .svc.serviceAccount.name -}}
{{- include "liuyan.text" (dict "root" .root "name" .name "text" .svc.serviceAccount.name) -}}
{{- else if .svc.serviceAccount.create -}}
{{- include "liuyan.name" . -}}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "liuyan.host" -}}
{{- printf "%s.%s.svc.%s" (include "liuyan.name" .) .root.Release.Namespace .root.Values.global.clusterDomain -}}
{{- end -}}

{{/* One value as TOML writes it. JSON's texts and numbers are TOML's, too; keys of configuration need no quotes. */}}
{{- define "liuyan.toml" -}}
{{- if kindIs "map" . -}}
{ {{- range $index, $key := keys . | sortAlpha }}{{ if $index }}, {{ end }}{{ $key }} = {{ include "liuyan.toml" (get $ $key) }}{{ end -}} }
{{- else if kindIs "slice" . -}}
[ {{- range $index, $item := . }}{{ if $index }}, {{ end }}{{ include "liuyan.toml" $item }}{{ end -}} ]
{{- else -}}
{{- toRawJson . -}}
{{- end -}}
{{- end -}}

{{/* A key of `postgres` that the service may have of its own under `database`. */}}
{{- define "liuyan.postgres" -}}
{{- $own := get .svc.database .key -}}
{{- include "liuyan.text" (dict "root" .root "name" .name "text" (default (get .root.Values.postgres .key) $own)) -}}
{{- end -}}

{{- define "liuyan.postgresSecret" -}}
{{- if .root.Values.evaluation.enabled -}}
{{- include "liuyan.name" . -}}
{{- else -}}
{{- include "liuyan.postgres" (merge (dict "key" "existingSecret") .) -}}
{{- end -}}
{{- end -}}

{{- define "liuyan.natsSecret" -}}
{{- if .root.Values.evaluation.enabled -}}
{{- include "liuyan.name" . -}}
{{- else -}}
{{- include "liuyan.text" (dict "root" .root "name" .name "text" .root.Values.nats.existingSecret) -}}
{{- end -}}
{{- end -}}

{{- define "liuyan.keysSecret" -}}
{{- if .root.Values.evaluation.enabled -}}
{{- include "liuyan.name" . -}}
{{- else -}}
{{- include "liuyan.text" (dict "root" .root "name" .name "text" .root.Values.auth.existingSecret) -}}
{{- end -}}
{{- end -}}

{{- define "liuyan.publicKeys" -}}
{{- if .root.Values.evaluation.enabled -}}
{{- printf "%s-public-keys" (include "liuyan.fullname" .root) -}}
{{- else -}}
{{- include "liuyan.text" (dict "root" .root "name" .name "text" .root.Values.auth.publicKeysConfigMap) -}}
{{- end -}}
{{- end -}}

{{/* The address of the database. With `owner`, that of whoever migrates. */}}
{{- define "liuyan.databaseUrl" -}}
{{- $values := .root.Values -}}
{{- $host := include "liuyan.postgres" (merge (dict "key" "host") .) -}}
{{- $port := include "liuyan.postgres" (merge (dict "key" "port") .) -}}
{{- $mode := $values.postgres.sslMode -}}
{{- $user := include "liuyan.text" (dict "root" .root "name" .name "text" (default .name .svc.database.user)) -}}
{{- $name := include "liuyan.text" (dict "root" .root "name" .name "text" (default .name .svc.database.name)) -}}
{{- if $values.evaluation.enabled -}}
{{- $host = include "liuyan.host" (dict "root" .root "name" "postgres") -}}
{{- $port = "5432" -}}
{{- $mode = "disable" -}}
{{- end -}}
{{- if .owner -}}
{{- $user = default $user (include "liuyan.text" (dict "root" .root "name" .name "text" $values.postgres.ownerUser)) -}}
{{- if $values.postgres.directHost -}}
{{- $host = $values.postgres.directHost -}}
{{- $port = toString $values.postgres.directPort -}}
{{- end -}}
{{- end -}}
{{- $ca := ternary "&sslrootcert=/etc/liuyan/postgres/ca.crt" "" (and (not $values.evaluation.enabled) (ne $values.postgres.caSecret "")) -}}
{{- printf "postgres://%s@%s:%s/%s?sslmode=%s%s" $user $host $port $name $mode $ca -}}
{{- end -}}

{{/* Whether the service has a database, and whether it is on the bus. */}}
{{- define "liuyan.keeps" -}}{{- if .card.serves -}}true{{- end -}}{{- end -}}
{{- define "liuyan.onBus" -}}{{- if .card.publish -}}true{{- end -}}{{- end -}}

{{/* A quantity as a number. */}}
{{- define "liuyan.amount" -}}
{{- $unit := regexFind "[A-Za-z]+$" (toString .) -}}
{{- $units := dict "" 1.0 "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- mulf (trimSuffix $unit (toString .) | float64) (get $units $unit) -}}
{{- end -}}

{{/* The first key of a configuration that nobody knows, as a sentence. Takes has, may and at. */}}
{{- define "liuyan.unknown" -}}
{{- $told := "" -}}
{{- range $key := keys .has | sortAlpha -}}
{{- if not $told -}}
{{- $at := printf "%s.%s" $.at $key -}}
{{- if not (hasKey $.may $key) -}}
{{- $told = printf "%s is not a key; there is %s." $at (keys $.may | sortAlpha | join ", ") -}}
{{- else if and (kindIs "map" (get $.has $key)) (kindIs "map" (get $.may $key)) -}}
{{- $told = include "liuyan.unknown" (dict "has" (get $.has $key) "may" (get $.may $key) "at" $at) -}}
{{- else if kindIs "map" (get $.may $key) -}}
{{- $told = printf "%s holds keys of its own: %s." $at (keys (get $.may $key) | sortAlpha | join ", ") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $told -}}
{{- end -}}

{{/* The ports of addresses, as a list in JSON. Takes urls, separated by commas, and of schemes the port each has if none is said. */}}
{{- define "liuyan.ports" -}}
{{- $ports := list -}}
{{- range splitList "," .urls -}}
{{- $url := urlParse (trim .) -}}
{{- $said := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports (int (default (get $.schemes $url.scheme) $said)) -}}
{{- end -}}
{{- $ports | uniq | toJson -}}
{{- end -}}
