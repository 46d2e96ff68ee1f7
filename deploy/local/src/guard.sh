# The guard: stops the servers when the process that started them is gone.
#
# Standard input is a pipe whose other end only that process holds. It writes one line per server, `KIND PID MARK`,
# before the server runs; the end of the pipe means that the process has finished or was killed, in whatever way.
# $1 is a folder to remove in the end, or empty to keep all.
#
# It is a script because /bin/sh is on every machine, costs a megabyte, and needs no unsafe code to outlive its parent.
trap '' HUP INT QUIT TERM

postgres='' postgres_mark='' nats='' nats_mark=''
while read -r kind pid mark; do
    case $kind in
        postgres) postgres=$pid postgres_mark=$mark ;;
        nats) nats=$pid nats_mark=$mark ;;
    esac
done

# Process ids are used again, so a process counts only while its command line names our folder. A zombie has none.
runs() {
    [ -n "$1" ] || return 1
    if [ -d /proc/self ]; then
        line=$(tr '\0' ' ' <"/proc/$1/cmdline") 2>/dev/null || return 1
    else
        line=$(ps -o command= -p "$1") 2>/dev/null || return 1
    fi
    case $line in *"$2"*) return 0 ;; *) return 1 ;; esac
}
tell() {
    if runs "$2" "$3"; then kill -s "$1" "$2" 2>/dev/null; fi
}

# INT is Postgres' fast shutdown, QUIT its immediate one: what is thrown away afterwards needs no checkpoint. It is not
# KILL, which would leave shared memory behind. A test may have frozen its nats-server, so TERM could be left unheard.
if [ -n "$1" ]; then for_postgres=QUIT for_nats=KILL; else for_postgres=INT for_nats=TERM; fi
tell "$for_postgres" "$postgres" "$postgres_mark"
tell "$for_nats" "$nats" "$nats_mark"
tenths=0
while runs "$postgres" "$postgres_mark" || runs "$nats" "$nats_mark"; do
    tenths=$((tenths + 1))
    case $tenths in
        100) tell QUIT "$postgres" "$postgres_mark"; tell KILL "$nats" "$nats_mark" ;;
        150) tell KILL "$postgres" "$postgres_mark" ;;
        200) break ;;
    esac
    sleep 0.1
done

# The marker file keeps a mistaken argument from costing anyone a folder. Backends may still write for a moment.
if [ -n "$1" ] && [ -f "$1/liuyan-temporary" ]; then
    for _ in 1 2 3 4 5; do
        if rm -rf "$1" 2>/dev/null; then break; fi
        sleep 0.2
    done
fi
