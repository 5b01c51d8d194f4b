# Keeps one cluster: `guard.sh FOLDER PROGRAMS [SETTING=VALUE]..`. What to do comes on standard input, and when
# that ends, because somebody closed it or was killed, so do the server and its folder. A death by SIGKILL of this
# very process is all that leaves them.
folder=$1
programs=$2
shift 2
server=

stop() {
    if [ -n "$server" ]; then
        kill -s "$1" "$server" 2>/dev/null
        wait "$server"
        server=
    fi
}

finish() {
    trap '' TERM EXIT
    stop QUIT
    cd /
    rm -rf "$folder"
    exit
}
trap finish TERM EXIT
trap '' INT HUP PIPE

while read -r word value; do
    case $word in
    make)
        "$programs/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C --no-sync \
            </dev/null >>"$folder/log" 2>&1
        echo "$?"
        ;;
    start)
        port=$value
        set -- "$programs/postgres" -D "$folder/data" -c "port=$port" "$@"
        "$@" </dev/null >>"$folder/log" 2>&1 &
        server=$!
        shift 5
        echo "$server"
        ;;
    stop)
        stop "$value"
        echo 0
        ;;
    end) break ;;
    esac
done
