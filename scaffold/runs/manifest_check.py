"""Made from `run_manifest.schema.json` by `python -m tools.manifest_check`, and not to be edited."""

# mypy: ignore-errors
import re

from scaffold.runs.schema_violation import SchemaViolation

REGEX_PATTERNS = {'^[A-Za-z0-9][A-Za-z0-9._=,+@-]*-[0-9a-f]{8}$': re.compile('^[A-Za-z0-9][A-Za-z0-9._=,+@-]*-[0-9a-f]{8}\\Z'), 'uuid_re_pattern': re.compile('^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\\Z'), '^/|(^|/)\\.\\.(/|$)': re.compile('^/|(^|/)\\.\\.(/|\\Z)'), '^[0-9a-f]{64}$': re.compile('^[0-9a-f]{64}\\Z'), '^[0-9a-f]{40,64}$': re.compile('^[0-9a-f]{40,64}\\Z'), 'Z$|\\+00:00$': re.compile('Z\\Z|\\+00:00\\Z'), 'date-time_re_pattern': re.compile('^(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)(t|T)(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?(?:[+-](?:[01]\\d|2[0-3]):[0-5]\\d|[+-](?:[01]\\d|2[0-3])[0-5]\\d|z|Z)\\Z')}
NoneType = type(None)

def validate(data: object) -> object:
    if not isinstance(data, dict):
        raise SchemaViolation('', data)
    try:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = set(data.keys())
            if 'status' in data_keys:
                data_keys.remove('status')
                data__status = data['status']
                if not (isinstance(data__status, str) and data__status == 'finished'):
                    raise SchemaViolation('.status', data__status)
    except SchemaViolation:
        pass
    else:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = set(data.keys())
            if 'exit' in data_keys:
                data_keys.remove('exit')
                data__exit = data['exit']
                data__exit_is_dict = isinstance(data__exit, dict)
                if data__exit_is_dict:
                    data__exit_keys = set(data__exit.keys())
                    if 'code' in data__exit_keys:
                        data__exit_keys.remove('code')
                        data__exit__code = data__exit['code']
                        if not (isinstance(data__exit__code, (int, float)) and (not isinstance(data__exit__code, bool)) and (data__exit__code == 0)):
                            raise SchemaViolation('.exit.code', data__exit__code)
            if 'time' in data_keys:
                data_keys.remove('time')
                data__time = data['time']
                data__time_is_dict = isinstance(data__time, dict)
                if data__time_is_dict:
                    data__time_keys = set(data__time.keys())
                    if 'ended_at' in data__time_keys:
                        data__time_keys.remove('ended_at')
                        data__time__endedat = data__time['ended_at']
                        if not isinstance(data__time__endedat, str):
                            raise SchemaViolation('.time.ended_at', data__time__endedat)
                    if 'duration_s' in data__time_keys:
                        data__time_keys.remove('duration_s')
                        data__time__durations = data__time['duration_s']
                        if not isinstance(data__time__durations, (int, float)) or isinstance(data__time__durations, bool):
                            raise SchemaViolation('.time.duration_s', data__time__durations)
                        if isinstance(data__time__durations, (int, float)) and (not isinstance(data__time__durations, bool)):
                            if data__time__durations < 0:
                                raise SchemaViolation('.time.duration_s', data__time__durations)
    try:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = set(data.keys())
            if 'status' in data_keys:
                data_keys.remove('status')
                data__status = data['status']
                if not (isinstance(data__status, str) and data__status == 'failed'):
                    raise SchemaViolation('.status', data__status)
    except SchemaViolation:
        pass
    else:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = set(data.keys())
            if 'exit' in data_keys:
                data_keys.remove('exit')
                data__exit = data['exit']
                data__exit_is_dict = isinstance(data__exit, dict)
                if data__exit_is_dict:
                    data__exit_keys = set(data__exit.keys())
                    if 'code' in data__exit_keys:
                        data__exit_keys.remove('code')
                        data__exit__code = data__exit['code']
                        if not isinstance(data__exit__code, int) and (not (isinstance(data__exit__code, float) and data__exit__code.is_integer())) or isinstance(data__exit__code, bool):
                            raise SchemaViolation('.exit.code', data__exit__code)
                        try:
                            if not (isinstance(data__exit__code, (int, float)) and (not isinstance(data__exit__code, bool)) and (data__exit__code == 0)):
                                raise SchemaViolation('.exit.code', data__exit__code)
                        except SchemaViolation:
                            pass
                        else:
                            raise SchemaViolation('.exit.code', data__exit__code)
            if 'time' in data_keys:
                data_keys.remove('time')
                data__time = data['time']
                data__time_is_dict = isinstance(data__time, dict)
                if data__time_is_dict:
                    data__time_keys = set(data__time.keys())
                    if 'ended_at' in data__time_keys:
                        data__time_keys.remove('ended_at')
                        data__time__endedat = data__time['ended_at']
                        if not isinstance(data__time__endedat, str):
                            raise SchemaViolation('.time.ended_at', data__time__endedat)
    try:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = set(data.keys())
            if 'status' in data_keys:
                data_keys.remove('status')
                data__status = data['status']
                if not (isinstance(data__status, str) and data__status == 'terminated'):
                    raise SchemaViolation('.status', data__status)
    except SchemaViolation:
        pass
    else:
        data_is_dict = isinstance(data, dict)
        if data_is_dict:
            data_keys = set(data.keys())
            if 'exit' in data_keys:
                data_keys.remove('exit')
                data__exit = data['exit']
                data__exit_is_dict = isinstance(data__exit, dict)
                if data__exit_is_dict:
                    data__exit_keys = set(data__exit.keys())
                    if 'signal' in data__exit_keys:
                        data__exit_keys.remove('signal')
                        data__exit__signal = data__exit['signal']
                        if not isinstance(data__exit__signal, str):
                            raise SchemaViolation('.exit.signal', data__exit__signal)
            if 'time' in data_keys:
                data_keys.remove('time')
                data__time = data['time']
                data__time_is_dict = isinstance(data__time, dict)
                if data__time_is_dict:
                    data__time_keys = set(data__time.keys())
                    if 'ended_at' in data__time_keys:
                        data__time_keys.remove('ended_at')
                        data__time__endedat = data__time['ended_at']
                        if not isinstance(data__time__endedat, str):
                            raise SchemaViolation('.time.ended_at', data__time__endedat)
    data_is_dict = isinstance(data, dict)
    if data_is_dict:
        data__missing_keys = set(['schema_version', 'run', 'status', 'command', 'seed', 'params', 'git', 'time', 'exit', 'paths', 'environment', 'host', 'scheduler', 'resources', 'tracking', 'metrics', 'recorder']) - data.keys()
        if data__missing_keys:
            raise SchemaViolation('', data, ('schema_version', 'run', 'status', 'command', 'seed', 'params', 'git', 'time', 'exit', 'paths', 'environment', 'host', 'scheduler', 'resources', 'tracking', 'metrics', 'recorder'))
        data_keys = set(data.keys())
        if 'schema_version' in data_keys:
            data_keys.remove('schema_version')
            data__schemaversion = data['schema_version']
            if not (isinstance(data__schemaversion, (int, float)) and (not isinstance(data__schemaversion, bool)) and (data__schemaversion == 1)):
                raise SchemaViolation('.schema_version', data__schemaversion)
        if 'run' in data_keys:
            data_keys.remove('run')
            data__run = data['run']
            if not isinstance(data__run, dict):
                raise SchemaViolation('.run', data__run)
            data__run_is_dict = isinstance(data__run, dict)
            if data__run_is_dict:
                data__run__missing_keys = set(['name', 'experiment', 'attempt', 'uuid']) - data__run.keys()
                if data__run__missing_keys:
                    raise SchemaViolation('.run', data__run, ('name', 'experiment', 'attempt', 'uuid'))
                data__run_keys = set(data__run.keys())
                if 'name' in data__run_keys:
                    data__run_keys.remove('name')
                    data__run__name = data__run['name']
                    if not isinstance(data__run__name, str):
                        raise SchemaViolation('.run.name', data__run__name)
                    if isinstance(data__run__name, str):
                        data__run__name_len = len(data__run__name)
                        if data__run__name_len > 120:
                            raise SchemaViolation('.run.name', data__run__name)
                        if not REGEX_PATTERNS['^[A-Za-z0-9][A-Za-z0-9._=,+@-]*-[0-9a-f]{8}$'].search(data__run__name):
                            raise SchemaViolation('.run.name', data__run__name)
                if 'experiment' in data__run_keys:
                    data__run_keys.remove('experiment')
                    data__run__experiment = data__run['experiment']
                    if not isinstance(data__run__experiment, str):
                        raise SchemaViolation('.run.experiment', data__run__experiment)
                if 'attempt' in data__run_keys:
                    data__run_keys.remove('attempt')
                    data__run__attempt = data__run['attempt']
                    if not isinstance(data__run__attempt, int) and (not (isinstance(data__run__attempt, float) and data__run__attempt.is_integer())) or isinstance(data__run__attempt, bool):
                        raise SchemaViolation('.run.attempt', data__run__attempt)
                    if isinstance(data__run__attempt, (int, float)) and (not isinstance(data__run__attempt, bool)):
                        if data__run__attempt < 1:
                            raise SchemaViolation('.run.attempt', data__run__attempt)
                if 'uuid' in data__run_keys:
                    data__run_keys.remove('uuid')
                    data__run__uuid = data__run['uuid']
                    if not isinstance(data__run__uuid, str):
                        raise SchemaViolation('.run.uuid', data__run__uuid)
                    if isinstance(data__run__uuid, str):
                        if not REGEX_PATTERNS['uuid_re_pattern'].match(data__run__uuid):
                            raise SchemaViolation('.run.uuid', data__run__uuid)
        if 'status' in data_keys:
            data_keys.remove('status')
            data__status = data['status']
            if not (isinstance(data__status, str) and data__status == 'running' or (isinstance(data__status, str) and data__status == 'finished') or (isinstance(data__status, str) and data__status == 'failed') or (isinstance(data__status, str) and data__status == 'terminated')):
                raise SchemaViolation('.status', data__status)
        if 'purpose' in data_keys:
            data_keys.remove('purpose')
            data__purpose = data['purpose']
            if not (isinstance(data__purpose, str) and data__purpose == 'run' or (isinstance(data__purpose, str) and data__purpose == 'smoke') or (isinstance(data__purpose, str) and data__purpose == 'rerun')):
                raise SchemaViolation('.purpose', data__purpose)
        if 'command' in data_keys:
            data_keys.remove('command')
            data__command = data['command']
            if not isinstance(data__command, dict):
                raise SchemaViolation('.command', data__command)
            data__command_is_dict = isinstance(data__command, dict)
            if data__command_is_dict:
                data__command__missing_keys = set(['argv', 'shell', 'cwd']) - data__command.keys()
                if data__command__missing_keys:
                    raise SchemaViolation('.command', data__command, ('argv', 'shell', 'cwd'))
                data__command_keys = set(data__command.keys())
                if 'argv' in data__command_keys:
                    data__command_keys.remove('argv')
                    data__command__argv = data__command['argv']
                    if not isinstance(data__command__argv, (list, tuple)):
                        raise SchemaViolation('.command.argv', data__command__argv)
                    data__command__argv_is_list = isinstance(data__command__argv, (list, tuple))
                    if data__command__argv_is_list:
                        data__command__argv_len = len(data__command__argv)
                        if data__command__argv_len < 1:
                            raise SchemaViolation('.command.argv', data__command__argv)
                        for data__command__argv_x, data__command__argv_item in enumerate(data__command__argv):
                            if not isinstance(data__command__argv_item, str):
                                raise SchemaViolation('.command.argv[{data__command__argv_x}]'.format(**locals()), data__command__argv_item)
                if 'shell' in data__command_keys:
                    data__command_keys.remove('shell')
                    data__command__shell = data__command['shell']
                    if not isinstance(data__command__shell, str):
                        raise SchemaViolation('.command.shell', data__command__shell)
                if 'cwd' in data__command_keys:
                    data__command_keys.remove('cwd')
                    data__command__cwd = data__command['cwd']
                    if not isinstance(data__command__cwd, str):
                        raise SchemaViolation('.command.cwd', data__command__cwd)
                    try:
                        if isinstance(data__command__cwd, str):
                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__command__cwd):
                                raise SchemaViolation('.command.cwd', data__command__cwd)
                    except SchemaViolation:
                        pass
                    else:
                        raise SchemaViolation('.command.cwd', data__command__cwd)
                if 'secrets_left_out' in data__command_keys:
                    data__command_keys.remove('secrets_left_out')
                    data__command__secretsleftout = data__command['secrets_left_out']
                    if not isinstance(data__command__secretsleftout, int) and (not (isinstance(data__command__secretsleftout, float) and data__command__secretsleftout.is_integer())) or isinstance(data__command__secretsleftout, bool):
                        raise SchemaViolation('.command.secrets_left_out', data__command__secretsleftout)
                    if isinstance(data__command__secretsleftout, (int, float)) and (not isinstance(data__command__secretsleftout, bool)):
                        if data__command__secretsleftout < 1:
                            raise SchemaViolation('.command.secrets_left_out', data__command__secretsleftout)
                if 'files' in data__command_keys:
                    data__command_keys.remove('files')
                    data__command__files = data__command['files']
                    if not isinstance(data__command__files, dict):
                        raise SchemaViolation('.command.files', data__command__files)
                    data__command__files_is_dict = isinstance(data__command__files, dict)
                    if data__command__files_is_dict:
                        data__command__files_keys = set(data__command__files.keys())
                        for data__command__files_key in data__command__files_keys:
                            if data__command__files_key not in []:
                                data__command__files_value = data__command__files.get(data__command__files_key)
                                if not isinstance(data__command__files_value, str):
                                    raise SchemaViolation('.command.files.{data__command__files_key}'.format(**locals()), data__command__files_value)
                                if isinstance(data__command__files_value, str):
                                    if not REGEX_PATTERNS['^[0-9a-f]{64}$'].search(data__command__files_value):
                                        raise SchemaViolation('.command.files.{data__command__files_key}'.format(**locals()), data__command__files_value)
        if 'seed' in data_keys:
            data_keys.remove('seed')
            data__seed = data['seed']
            if not isinstance(data__seed, (int, NoneType)) and (not (isinstance(data__seed, float) and data__seed.is_integer())) or isinstance(data__seed, bool):
                raise SchemaViolation('.seed', data__seed)
        if 'seed_source' in data_keys:
            data_keys.remove('seed_source')
            data__seedsource = data['seed_source']
            if not (isinstance(data__seedsource, str) and data__seedsource == 'arguments' or (isinstance(data__seedsource, str) and data__seedsource == 'environment') or (isinstance(data__seedsource, str) and data__seedsource == 'label') or (data__seedsource is None)):
                raise SchemaViolation('.seed_source', data__seedsource)
        if 'params' in data_keys:
            data_keys.remove('params')
            data__params = data['params']
            if not isinstance(data__params, dict):
                raise SchemaViolation('.params', data__params)
            data__params_is_dict = isinstance(data__params, dict)
            if data__params_is_dict:
                data__params_keys = set(data__params.keys())
                for data__params_key in data__params_keys:
                    if data__params_key not in []:
                        data__params_value = data__params.get(data__params_key)
                        if not isinstance(data__params_value, (str, int, float, int, bool, NoneType)) and (not (isinstance(data__params_value, float) and data__params_value.is_integer())):
                            raise SchemaViolation('.params.{data__params_key}'.format(**locals()), data__params_value)
        if 'git' in data_keys:
            data_keys.remove('git')
            data__git = data['git']
            data__git_one_of_count1 = 0
            if data__git_one_of_count1 < 2:
                try:
                    if not isinstance(data__git, NoneType):
                        raise SchemaViolation('.git', data__git)
                    data__git_one_of_count1 += 1
                except SchemaViolation:
                    pass
            if data__git_one_of_count1 < 2:
                try:
                    if not isinstance(data__git, dict):
                        raise SchemaViolation('.git', data__git)
                    data__git_is_dict = isinstance(data__git, dict)
                    if data__git_is_dict:
                        data__git__missing_keys = set(['commit', 'branch', 'remote', 'dirty', 'patch', 'untracked', 'code']) - data__git.keys()
                        if data__git__missing_keys:
                            raise SchemaViolation('.git', data__git, ('commit', 'branch', 'remote', 'dirty', 'patch', 'untracked', 'code'))
                        data__git_keys = set(data__git.keys())
                        if 'commit' in data__git_keys:
                            data__git_keys.remove('commit')
                            data__git__commit = data__git['commit']
                            if not isinstance(data__git__commit, (str, NoneType)):
                                raise SchemaViolation('.git.commit', data__git__commit)
                            if isinstance(data__git__commit, str):
                                if not REGEX_PATTERNS['^[0-9a-f]{40,64}$'].search(data__git__commit):
                                    raise SchemaViolation('.git.commit', data__git__commit)
                        if 'branch' in data__git_keys:
                            data__git_keys.remove('branch')
                            data__git__branch = data__git['branch']
                            if not isinstance(data__git__branch, (str, NoneType)):
                                raise SchemaViolation('.git.branch', data__git__branch)
                        if 'remote' in data__git_keys:
                            data__git_keys.remove('remote')
                            data__git__remote = data__git['remote']
                            if not isinstance(data__git__remote, (str, NoneType)):
                                raise SchemaViolation('.git.remote', data__git__remote)
                        if 'dirty' in data__git_keys:
                            data__git_keys.remove('dirty')
                            data__git__dirty = data__git['dirty']
                            if not isinstance(data__git__dirty, bool):
                                raise SchemaViolation('.git.dirty', data__git__dirty)
                        if 'patch' in data__git_keys:
                            data__git_keys.remove('patch')
                            data__git__patch = data__git['patch']
                            data__git__patch_any_of_count2 = 0
                            if not data__git__patch_any_of_count2:
                                try:
                                    if not isinstance(data__git__patch, NoneType):
                                        raise SchemaViolation('.git.patch', data__git__patch)
                                    data__git__patch_any_of_count2 += 1
                                except SchemaViolation:
                                    pass
                            if not data__git__patch_any_of_count2:
                                try:
                                    if not isinstance(data__git__patch, str):
                                        raise SchemaViolation('.git.patch', data__git__patch)
                                    try:
                                        if isinstance(data__git__patch, str):
                                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__git__patch):
                                                raise SchemaViolation('.git.patch', data__git__patch)
                                    except SchemaViolation:
                                        pass
                                    else:
                                        raise SchemaViolation('.git.patch', data__git__patch)
                                    data__git__patch_any_of_count2 += 1
                                except SchemaViolation:
                                    pass
                            if not data__git__patch_any_of_count2:
                                raise SchemaViolation('.git.patch', data__git__patch)
                        if 'untracked' in data__git_keys:
                            data__git_keys.remove('untracked')
                            data__git__untracked = data__git['untracked']
                            if not isinstance(data__git__untracked, (list, tuple)):
                                raise SchemaViolation('.git.untracked', data__git__untracked)
                            data__git__untracked_is_list = isinstance(data__git__untracked, (list, tuple))
                            if data__git__untracked_is_list:
                                data__git__untracked_len = len(data__git__untracked)
                                for data__git__untracked_x, data__git__untracked_item in enumerate(data__git__untracked):
                                    if not isinstance(data__git__untracked_item, str):
                                        raise SchemaViolation('.git.untracked[{data__git__untracked_x}]'.format(**locals()), data__git__untracked_item)
                        if 'code' in data__git_keys:
                            data__git_keys.remove('code')
                            data__git__code = data__git['code']
                            if not isinstance(data__git__code, str):
                                raise SchemaViolation('.git.code', data__git__code)
                            if isinstance(data__git__code, str):
                                if not REGEX_PATTERNS['^[0-9a-f]{64}$'].search(data__git__code):
                                    raise SchemaViolation('.git.code', data__git__code)
                        if 'pin' in data__git_keys:
                            data__git_keys.remove('pin')
                            data__git__pin = data__git['pin']
                            if not isinstance(data__git__pin, dict):
                                raise SchemaViolation('.git.pin', data__git__pin)
                            data__git__pin_is_dict = isinstance(data__git__pin, dict)
                            if data__git__pin_is_dict:
                                data__git__pin__missing_keys = set(['commit', 'tracked', 'local', 'left_out']) - data__git__pin.keys()
                                if data__git__pin__missing_keys:
                                    raise SchemaViolation('.git.pin', data__git__pin, ('commit', 'tracked', 'local', 'left_out'))
                                data__git__pin_keys = set(data__git__pin.keys())
                                if 'commit' in data__git__pin_keys:
                                    data__git__pin_keys.remove('commit')
                                    data__git__pin__commit = data__git__pin['commit']
                                    if not isinstance(data__git__pin__commit, str):
                                        raise SchemaViolation('.git.pin.commit', data__git__pin__commit)
                                    if isinstance(data__git__pin__commit, str):
                                        if not REGEX_PATTERNS['^[0-9a-f]{40,64}$'].search(data__git__pin__commit):
                                            raise SchemaViolation('.git.pin.commit', data__git__pin__commit)
                                if 'tracked' in data__git__pin_keys:
                                    data__git__pin_keys.remove('tracked')
                                    data__git__pin__tracked = data__git__pin['tracked']
                                    if not isinstance(data__git__pin__tracked, (str, NoneType)):
                                        raise SchemaViolation('.git.pin.tracked', data__git__pin__tracked)
                                    if isinstance(data__git__pin__tracked, str):
                                        if not REGEX_PATTERNS['^[0-9a-f]{40,64}$'].search(data__git__pin__tracked):
                                            raise SchemaViolation('.git.pin.tracked', data__git__pin__tracked)
                                if 'local' in data__git__pin_keys:
                                    data__git__pin_keys.remove('local')
                                    data__git__pin__local = data__git__pin['local']
                                    if not isinstance(data__git__pin__local, bool):
                                        raise SchemaViolation('.git.pin.local', data__git__pin__local)
                                if 'left_out' in data__git__pin_keys:
                                    data__git__pin_keys.remove('left_out')
                                    data__git__pin__leftout = data__git__pin['left_out']
                                    if not isinstance(data__git__pin__leftout, (list, tuple)):
                                        raise SchemaViolation('.git.pin.left_out', data__git__pin__leftout)
                                    data__git__pin__leftout_is_list = isinstance(data__git__pin__leftout, (list, tuple))
                                    if data__git__pin__leftout_is_list:
                                        data__git__pin__leftout_len = len(data__git__pin__leftout)
                                        for data__git__pin__leftout_x, data__git__pin__leftout_item in enumerate(data__git__pin__leftout):
                                            if not isinstance(data__git__pin__leftout_item, str):
                                                raise SchemaViolation('.git.pin.left_out[{data__git__pin__leftout_x}]'.format(**locals()), data__git__pin__leftout_item)
                        if 'submodules' in data__git_keys:
                            data__git_keys.remove('submodules')
                            data__git__submodules = data__git['submodules']
                            if not isinstance(data__git__submodules, (list, tuple)):
                                raise SchemaViolation('.git.submodules', data__git__submodules)
                            data__git__submodules_is_list = isinstance(data__git__submodules, (list, tuple))
                            if data__git__submodules_is_list:
                                data__git__submodules_len = len(data__git__submodules)
                                for data__git__submodules_x, data__git__submodules_item in enumerate(data__git__submodules):
                                    if not isinstance(data__git__submodules_item, dict):
                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}]'.format(**locals()), data__git__submodules_item)
                                    data__git__submodules_item_is_dict = isinstance(data__git__submodules_item, dict)
                                    if data__git__submodules_item_is_dict:
                                        data__git__submodules_item__missing_keys = set(['path', 'commit', 'dirty', 'patch']) - data__git__submodules_item.keys()
                                        if data__git__submodules_item__missing_keys:
                                            raise SchemaViolation('.git.submodules[{data__git__submodules_x}]'.format(**locals()), data__git__submodules_item, ('path', 'commit', 'dirty', 'patch'))
                                        data__git__submodules_item_keys = set(data__git__submodules_item.keys())
                                        if 'path' in data__git__submodules_item_keys:
                                            data__git__submodules_item_keys.remove('path')
                                            data__git__submodules_item__path = data__git__submodules_item['path']
                                            if not isinstance(data__git__submodules_item__path, str):
                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].path'.format(**locals()), data__git__submodules_item__path)
                                        if 'commit' in data__git__submodules_item_keys:
                                            data__git__submodules_item_keys.remove('commit')
                                            data__git__submodules_item__commit = data__git__submodules_item['commit']
                                            if not isinstance(data__git__submodules_item__commit, (str, NoneType)):
                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].commit'.format(**locals()), data__git__submodules_item__commit)
                                            if isinstance(data__git__submodules_item__commit, str):
                                                if not REGEX_PATTERNS['^[0-9a-f]{40,64}$'].search(data__git__submodules_item__commit):
                                                    raise SchemaViolation('.git.submodules[{data__git__submodules_x}].commit'.format(**locals()), data__git__submodules_item__commit)
                                        if 'dirty' in data__git__submodules_item_keys:
                                            data__git__submodules_item_keys.remove('dirty')
                                            data__git__submodules_item__dirty = data__git__submodules_item['dirty']
                                            if not isinstance(data__git__submodules_item__dirty, bool):
                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].dirty'.format(**locals()), data__git__submodules_item__dirty)
                                        if 'patch' in data__git__submodules_item_keys:
                                            data__git__submodules_item_keys.remove('patch')
                                            data__git__submodules_item__patch = data__git__submodules_item['patch']
                                            data__git__submodules_item__patch_any_of_count3 = 0
                                            if not data__git__submodules_item__patch_any_of_count3:
                                                try:
                                                    if not isinstance(data__git__submodules_item__patch, NoneType):
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].patch'.format(**locals()), data__git__submodules_item__patch)
                                                    data__git__submodules_item__patch_any_of_count3 += 1
                                                except SchemaViolation:
                                                    pass
                                            if not data__git__submodules_item__patch_any_of_count3:
                                                try:
                                                    if not isinstance(data__git__submodules_item__patch, str):
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].patch'.format(**locals()), data__git__submodules_item__patch)
                                                    try:
                                                        if isinstance(data__git__submodules_item__patch, str):
                                                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__git__submodules_item__patch):
                                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].patch'.format(**locals()), data__git__submodules_item__patch)
                                                    except SchemaViolation:
                                                        pass
                                                    else:
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].patch'.format(**locals()), data__git__submodules_item__patch)
                                                    data__git__submodules_item__patch_any_of_count3 += 1
                                                except SchemaViolation:
                                                    pass
                                            if not data__git__submodules_item__patch_any_of_count3:
                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].patch'.format(**locals()), data__git__submodules_item__patch)
                                        if 'pin' in data__git__submodules_item_keys:
                                            data__git__submodules_item_keys.remove('pin')
                                            data__git__submodules_item__pin = data__git__submodules_item['pin']
                                            if not isinstance(data__git__submodules_item__pin, dict):
                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin'.format(**locals()), data__git__submodules_item__pin)
                                            data__git__submodules_item__pin_is_dict = isinstance(data__git__submodules_item__pin, dict)
                                            if data__git__submodules_item__pin_is_dict:
                                                data__git__submodules_item__pin__missing_keys = set(['commit', 'tracked', 'local', 'left_out']) - data__git__submodules_item__pin.keys()
                                                if data__git__submodules_item__pin__missing_keys:
                                                    raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin'.format(**locals()), data__git__submodules_item__pin, ('commit', 'tracked', 'local', 'left_out'))
                                                data__git__submodules_item__pin_keys = set(data__git__submodules_item__pin.keys())
                                                if 'commit' in data__git__submodules_item__pin_keys:
                                                    data__git__submodules_item__pin_keys.remove('commit')
                                                    data__git__submodules_item__pin__commit = data__git__submodules_item__pin['commit']
                                                    if not isinstance(data__git__submodules_item__pin__commit, str):
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.commit'.format(**locals()), data__git__submodules_item__pin__commit)
                                                    if isinstance(data__git__submodules_item__pin__commit, str):
                                                        if not REGEX_PATTERNS['^[0-9a-f]{40,64}$'].search(data__git__submodules_item__pin__commit):
                                                            raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.commit'.format(**locals()), data__git__submodules_item__pin__commit)
                                                if 'tracked' in data__git__submodules_item__pin_keys:
                                                    data__git__submodules_item__pin_keys.remove('tracked')
                                                    data__git__submodules_item__pin__tracked = data__git__submodules_item__pin['tracked']
                                                    if not isinstance(data__git__submodules_item__pin__tracked, (str, NoneType)):
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.tracked'.format(**locals()), data__git__submodules_item__pin__tracked)
                                                    if isinstance(data__git__submodules_item__pin__tracked, str):
                                                        if not REGEX_PATTERNS['^[0-9a-f]{40,64}$'].search(data__git__submodules_item__pin__tracked):
                                                            raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.tracked'.format(**locals()), data__git__submodules_item__pin__tracked)
                                                if 'local' in data__git__submodules_item__pin_keys:
                                                    data__git__submodules_item__pin_keys.remove('local')
                                                    data__git__submodules_item__pin__local = data__git__submodules_item__pin['local']
                                                    if not isinstance(data__git__submodules_item__pin__local, bool):
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.local'.format(**locals()), data__git__submodules_item__pin__local)
                                                if 'left_out' in data__git__submodules_item__pin_keys:
                                                    data__git__submodules_item__pin_keys.remove('left_out')
                                                    data__git__submodules_item__pin__leftout = data__git__submodules_item__pin['left_out']
                                                    if not isinstance(data__git__submodules_item__pin__leftout, (list, tuple)):
                                                        raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.left_out'.format(**locals()), data__git__submodules_item__pin__leftout)
                                                    data__git__submodules_item__pin__leftout_is_list = isinstance(data__git__submodules_item__pin__leftout, (list, tuple))
                                                    if data__git__submodules_item__pin__leftout_is_list:
                                                        data__git__submodules_item__pin__leftout_len = len(data__git__submodules_item__pin__leftout)
                                                        for data__git__submodules_item__pin__leftout_x, data__git__submodules_item__pin__leftout_item in enumerate(data__git__submodules_item__pin__leftout):
                                                            if not isinstance(data__git__submodules_item__pin__leftout_item, str):
                                                                raise SchemaViolation('.git.submodules[{data__git__submodules_x}].pin.left_out[{data__git__submodules_item__pin__leftout_x}]'.format(**locals()), data__git__submodules_item__pin__leftout_item)
                    data__git_one_of_count1 += 1
                except SchemaViolation:
                    pass
            if data__git_one_of_count1 != 1:
                raise SchemaViolation('.git', data__git)
        if 'time' in data_keys:
            data_keys.remove('time')
            data__time = data['time']
            if not isinstance(data__time, dict):
                raise SchemaViolation('.time', data__time)
            data__time_is_dict = isinstance(data__time, dict)
            if data__time_is_dict:
                data__time__missing_keys = set(['started_at', 'ended_at', 'duration_s']) - data__time.keys()
                if data__time__missing_keys:
                    raise SchemaViolation('.time', data__time, ('started_at', 'ended_at', 'duration_s'))
                data__time_keys = set(data__time.keys())
                if 'started_at' in data__time_keys:
                    data__time_keys.remove('started_at')
                    data__time__startedat = data__time['started_at']
                    if not isinstance(data__time__startedat, str):
                        raise SchemaViolation('.time.started_at', data__time__startedat)
                    if isinstance(data__time__startedat, str):
                        if not REGEX_PATTERNS['Z$|\\+00:00$'].search(data__time__startedat):
                            raise SchemaViolation('.time.started_at', data__time__startedat)
                        if not REGEX_PATTERNS['date-time_re_pattern'].match(data__time__startedat):
                            raise SchemaViolation('.time.started_at', data__time__startedat)
                if 'ended_at' in data__time_keys:
                    data__time_keys.remove('ended_at')
                    data__time__endedat = data__time['ended_at']
                    if not isinstance(data__time__endedat, (str, NoneType)):
                        raise SchemaViolation('.time.ended_at', data__time__endedat)
                    if isinstance(data__time__endedat, str):
                        if not REGEX_PATTERNS['date-time_re_pattern'].match(data__time__endedat):
                            raise SchemaViolation('.time.ended_at', data__time__endedat)
                if 'duration_s' in data__time_keys:
                    data__time_keys.remove('duration_s')
                    data__time__durations = data__time['duration_s']
                    if not isinstance(data__time__durations, (int, float, NoneType)) or isinstance(data__time__durations, bool):
                        raise SchemaViolation('.time.duration_s', data__time__durations)
        if 'exit' in data_keys:
            data_keys.remove('exit')
            data__exit = data['exit']
            if not isinstance(data__exit, dict):
                raise SchemaViolation('.exit', data__exit)
            data__exit_is_dict = isinstance(data__exit, dict)
            if data__exit_is_dict:
                data__exit__missing_keys = set(['code', 'signal']) - data__exit.keys()
                if data__exit__missing_keys:
                    raise SchemaViolation('.exit', data__exit, ('code', 'signal'))
                data__exit_keys = set(data__exit.keys())
                if 'code' in data__exit_keys:
                    data__exit_keys.remove('code')
                    data__exit__code = data__exit['code']
                    if not isinstance(data__exit__code, (int, NoneType)) and (not (isinstance(data__exit__code, float) and data__exit__code.is_integer())) or isinstance(data__exit__code, bool):
                        raise SchemaViolation('.exit.code', data__exit__code)
                if 'signal' in data__exit_keys:
                    data__exit_keys.remove('signal')
                    data__exit__signal = data__exit['signal']
                    if not isinstance(data__exit__signal, (str, NoneType)):
                        raise SchemaViolation('.exit.signal', data__exit__signal)
        if 'paths' in data_keys:
            data_keys.remove('paths')
            data__paths = data['paths']
            if not isinstance(data__paths, dict):
                raise SchemaViolation('.paths', data__paths)
            data__paths_is_dict = isinstance(data__paths, dict)
            if data__paths_is_dict:
                data__paths__missing_keys = set(['stdout', 'stderr', 'outputs', 'configs']) - data__paths.keys()
                if data__paths__missing_keys:
                    raise SchemaViolation('.paths', data__paths, ('stdout', 'stderr', 'outputs', 'configs'))
                data__paths_keys = set(data__paths.keys())
                if 'stdout' in data__paths_keys:
                    data__paths_keys.remove('stdout')
                    data__paths__stdout = data__paths['stdout']
                    if not isinstance(data__paths__stdout, str):
                        raise SchemaViolation('.paths.stdout', data__paths__stdout)
                    try:
                        if isinstance(data__paths__stdout, str):
                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__paths__stdout):
                                raise SchemaViolation('.paths.stdout', data__paths__stdout)
                    except SchemaViolation:
                        pass
                    else:
                        raise SchemaViolation('.paths.stdout', data__paths__stdout)
                if 'stderr' in data__paths_keys:
                    data__paths_keys.remove('stderr')
                    data__paths__stderr = data__paths['stderr']
                    if not isinstance(data__paths__stderr, str):
                        raise SchemaViolation('.paths.stderr', data__paths__stderr)
                    try:
                        if isinstance(data__paths__stderr, str):
                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__paths__stderr):
                                raise SchemaViolation('.paths.stderr', data__paths__stderr)
                    except SchemaViolation:
                        pass
                    else:
                        raise SchemaViolation('.paths.stderr', data__paths__stderr)
                if 'outputs' in data__paths_keys:
                    data__paths_keys.remove('outputs')
                    data__paths__outputs = data__paths['outputs']
                    if not isinstance(data__paths__outputs, str):
                        raise SchemaViolation('.paths.outputs', data__paths__outputs)
                    try:
                        if isinstance(data__paths__outputs, str):
                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__paths__outputs):
                                raise SchemaViolation('.paths.outputs', data__paths__outputs)
                    except SchemaViolation:
                        pass
                    else:
                        raise SchemaViolation('.paths.outputs', data__paths__outputs)
                if 'stdin' in data__paths_keys:
                    data__paths_keys.remove('stdin')
                    data__paths__stdin = data__paths['stdin']
                    if not isinstance(data__paths__stdin, str):
                        raise SchemaViolation('.paths.stdin', data__paths__stdin)
                    try:
                        if isinstance(data__paths__stdin, str):
                            if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__paths__stdin):
                                raise SchemaViolation('.paths.stdin', data__paths__stdin)
                    except SchemaViolation:
                        pass
                    else:
                        raise SchemaViolation('.paths.stdin', data__paths__stdin)
                if 'configs' in data__paths_keys:
                    data__paths_keys.remove('configs')
                    data__paths__configs = data__paths['configs']
                    if not isinstance(data__paths__configs, (list, tuple)):
                        raise SchemaViolation('.paths.configs', data__paths__configs)
                    data__paths__configs_is_list = isinstance(data__paths__configs, (list, tuple))
                    if data__paths__configs_is_list:
                        data__paths__configs_len = len(data__paths__configs)
                        for data__paths__configs_x, data__paths__configs_item in enumerate(data__paths__configs):
                            if not isinstance(data__paths__configs_item, str):
                                raise SchemaViolation('.paths.configs[{data__paths__configs_x}]'.format(**locals()), data__paths__configs_item)
                            try:
                                if isinstance(data__paths__configs_item, str):
                                    if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__paths__configs_item):
                                        raise SchemaViolation('.paths.configs[{data__paths__configs_x}]'.format(**locals()), data__paths__configs_item)
                            except SchemaViolation:
                                pass
                            else:
                                raise SchemaViolation('.paths.configs[{data__paths__configs_x}]'.format(**locals()), data__paths__configs_item)
        if 'environment' in data_keys:
            data_keys.remove('environment')
            data__environment = data['environment']
            if not isinstance(data__environment, dict):
                raise SchemaViolation('.environment', data__environment)
            data__environment_is_dict = isinstance(data__environment, dict)
            if data__environment_is_dict:
                data__environment__missing_keys = set(['python', 'executable', 'manager', 'virtual_env', 'conda_env', 'packages', 'variables']) - data__environment.keys()
                if data__environment__missing_keys:
                    raise SchemaViolation('.environment', data__environment, ('python', 'executable', 'manager', 'virtual_env', 'conda_env', 'packages', 'variables'))
                data__environment_keys = set(data__environment.keys())
                if 'python' in data__environment_keys:
                    data__environment_keys.remove('python')
                    data__environment__python = data__environment['python']
                    if not isinstance(data__environment__python, (str, NoneType)):
                        raise SchemaViolation('.environment.python', data__environment__python)
                if 'executable' in data__environment_keys:
                    data__environment_keys.remove('executable')
                    data__environment__executable = data__environment['executable']
                    if not isinstance(data__environment__executable, (str, NoneType)):
                        raise SchemaViolation('.environment.executable', data__environment__executable)
                if 'manager' in data__environment_keys:
                    data__environment_keys.remove('manager')
                    data__environment__manager = data__environment['manager']
                    if not isinstance(data__environment__manager, (str, NoneType)):
                        raise SchemaViolation('.environment.manager', data__environment__manager)
                if 'virtual_env' in data__environment_keys:
                    data__environment_keys.remove('virtual_env')
                    data__environment__virtualenv = data__environment['virtual_env']
                    if not isinstance(data__environment__virtualenv, (str, NoneType)):
                        raise SchemaViolation('.environment.virtual_env', data__environment__virtualenv)
                if 'conda_env' in data__environment_keys:
                    data__environment_keys.remove('conda_env')
                    data__environment__condaenv = data__environment['conda_env']
                    if not isinstance(data__environment__condaenv, (str, NoneType)):
                        raise SchemaViolation('.environment.conda_env', data__environment__condaenv)
                if 'packages' in data__environment_keys:
                    data__environment_keys.remove('packages')
                    data__environment__packages = data__environment['packages']
                    data__environment__packages_any_of_count4 = 0
                    if not data__environment__packages_any_of_count4:
                        try:
                            if not isinstance(data__environment__packages, NoneType):
                                raise SchemaViolation('.environment.packages', data__environment__packages)
                            data__environment__packages_any_of_count4 += 1
                        except SchemaViolation:
                            pass
                    if not data__environment__packages_any_of_count4:
                        try:
                            if not isinstance(data__environment__packages, str):
                                raise SchemaViolation('.environment.packages', data__environment__packages)
                            try:
                                if isinstance(data__environment__packages, str):
                                    if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__environment__packages):
                                        raise SchemaViolation('.environment.packages', data__environment__packages)
                            except SchemaViolation:
                                pass
                            else:
                                raise SchemaViolation('.environment.packages', data__environment__packages)
                            data__environment__packages_any_of_count4 += 1
                        except SchemaViolation:
                            pass
                    if not data__environment__packages_any_of_count4:
                        raise SchemaViolation('.environment.packages', data__environment__packages)
                if 'variables' in data__environment_keys:
                    data__environment_keys.remove('variables')
                    data__environment__variables = data__environment['variables']
                    if not isinstance(data__environment__variables, dict):
                        raise SchemaViolation('.environment.variables', data__environment__variables)
                    data__environment__variables_is_dict = isinstance(data__environment__variables, dict)
                    if data__environment__variables_is_dict:
                        data__environment__variables_keys = set(data__environment__variables.keys())
                        for data__environment__variables_key in data__environment__variables_keys:
                            if data__environment__variables_key not in []:
                                data__environment__variables_value = data__environment__variables.get(data__environment__variables_key)
                                if not isinstance(data__environment__variables_value, str):
                                    raise SchemaViolation('.environment.variables.{data__environment__variables_key}'.format(**locals()), data__environment__variables_value)
        if 'host' in data_keys:
            data_keys.remove('host')
            data__host = data['host']
            if not isinstance(data__host, dict):
                raise SchemaViolation('.host', data__host)
            data__host_is_dict = isinstance(data__host, dict)
            if data__host_is_dict:
                data__host__missing_keys = set(['hostname', 'os', 'arch', 'cpu_count', 'memory_bytes', 'gpus']) - data__host.keys()
                if data__host__missing_keys:
                    raise SchemaViolation('.host', data__host, ('hostname', 'os', 'arch', 'cpu_count', 'memory_bytes', 'gpus'))
                data__host_keys = set(data__host.keys())
                if 'hostname' in data__host_keys:
                    data__host_keys.remove('hostname')
                    data__host__hostname = data__host['hostname']
                    if not isinstance(data__host__hostname, str):
                        raise SchemaViolation('.host.hostname', data__host__hostname)
                if 'os' in data__host_keys:
                    data__host_keys.remove('os')
                    data__host__os = data__host['os']
                    if not isinstance(data__host__os, str):
                        raise SchemaViolation('.host.os', data__host__os)
                if 'arch' in data__host_keys:
                    data__host_keys.remove('arch')
                    data__host__arch = data__host['arch']
                    if not isinstance(data__host__arch, str):
                        raise SchemaViolation('.host.arch', data__host__arch)
                if 'cpu_count' in data__host_keys:
                    data__host_keys.remove('cpu_count')
                    data__host__cpucount = data__host['cpu_count']
                    if not isinstance(data__host__cpucount, (int, NoneType)) and (not (isinstance(data__host__cpucount, float) and data__host__cpucount.is_integer())) or isinstance(data__host__cpucount, bool):
                        raise SchemaViolation('.host.cpu_count', data__host__cpucount)
                if 'memory_bytes' in data__host_keys:
                    data__host_keys.remove('memory_bytes')
                    data__host__memorybytes = data__host['memory_bytes']
                    if not isinstance(data__host__memorybytes, (int, NoneType)) and (not (isinstance(data__host__memorybytes, float) and data__host__memorybytes.is_integer())) or isinstance(data__host__memorybytes, bool):
                        raise SchemaViolation('.host.memory_bytes', data__host__memorybytes)
                if 'gpus' in data__host_keys:
                    data__host_keys.remove('gpus')
                    data__host__gpus = data__host['gpus']
                    if not isinstance(data__host__gpus, (list, tuple)):
                        raise SchemaViolation('.host.gpus', data__host__gpus)
                    data__host__gpus_is_list = isinstance(data__host__gpus, (list, tuple))
                    if data__host__gpus_is_list:
                        data__host__gpus_len = len(data__host__gpus)
                        for data__host__gpus_x, data__host__gpus_item in enumerate(data__host__gpus):
                            if not isinstance(data__host__gpus_item, dict):
                                raise SchemaViolation('.host.gpus[{data__host__gpus_x}]'.format(**locals()), data__host__gpus_item)
                            data__host__gpus_item_is_dict = isinstance(data__host__gpus_item, dict)
                            if data__host__gpus_item_is_dict:
                                data__host__gpus_item__missing_keys = set(['index', 'name', 'uuid', 'memory_mib', 'driver']) - data__host__gpus_item.keys()
                                if data__host__gpus_item__missing_keys:
                                    raise SchemaViolation('.host.gpus[{data__host__gpus_x}]'.format(**locals()), data__host__gpus_item, ('index', 'name', 'uuid', 'memory_mib', 'driver'))
                                data__host__gpus_item_keys = set(data__host__gpus_item.keys())
                                if 'index' in data__host__gpus_item_keys:
                                    data__host__gpus_item_keys.remove('index')
                                    data__host__gpus_item__index = data__host__gpus_item['index']
                                    if not isinstance(data__host__gpus_item__index, int) and (not (isinstance(data__host__gpus_item__index, float) and data__host__gpus_item__index.is_integer())) or isinstance(data__host__gpus_item__index, bool):
                                        raise SchemaViolation('.host.gpus[{data__host__gpus_x}].index'.format(**locals()), data__host__gpus_item__index)
                                if 'name' in data__host__gpus_item_keys:
                                    data__host__gpus_item_keys.remove('name')
                                    data__host__gpus_item__name = data__host__gpus_item['name']
                                    if not isinstance(data__host__gpus_item__name, str):
                                        raise SchemaViolation('.host.gpus[{data__host__gpus_x}].name'.format(**locals()), data__host__gpus_item__name)
                                if 'uuid' in data__host__gpus_item_keys:
                                    data__host__gpus_item_keys.remove('uuid')
                                    data__host__gpus_item__uuid = data__host__gpus_item['uuid']
                                    if not isinstance(data__host__gpus_item__uuid, (str, NoneType)):
                                        raise SchemaViolation('.host.gpus[{data__host__gpus_x}].uuid'.format(**locals()), data__host__gpus_item__uuid)
                                if 'memory_mib' in data__host__gpus_item_keys:
                                    data__host__gpus_item_keys.remove('memory_mib')
                                    data__host__gpus_item__memorymib = data__host__gpus_item['memory_mib']
                                    if not isinstance(data__host__gpus_item__memorymib, (int, NoneType)) and (not (isinstance(data__host__gpus_item__memorymib, float) and data__host__gpus_item__memorymib.is_integer())) or isinstance(data__host__gpus_item__memorymib, bool):
                                        raise SchemaViolation('.host.gpus[{data__host__gpus_x}].memory_mib'.format(**locals()), data__host__gpus_item__memorymib)
                                if 'driver' in data__host__gpus_item_keys:
                                    data__host__gpus_item_keys.remove('driver')
                                    data__host__gpus_item__driver = data__host__gpus_item['driver']
                                    if not isinstance(data__host__gpus_item__driver, (str, NoneType)):
                                        raise SchemaViolation('.host.gpus[{data__host__gpus_x}].driver'.format(**locals()), data__host__gpus_item__driver)
        if 'scheduler' in data_keys:
            data_keys.remove('scheduler')
            data__scheduler = data['scheduler']
            if not isinstance(data__scheduler, dict):
                raise SchemaViolation('.scheduler', data__scheduler)
            data__scheduler_is_dict = isinstance(data__scheduler, dict)
            if data__scheduler_is_dict:
                data__scheduler__missing_keys = set(['kind', 'job_id', 'array_task_id', 'partition', 'nodelist']) - data__scheduler.keys()
                if data__scheduler__missing_keys:
                    raise SchemaViolation('.scheduler', data__scheduler, ('kind', 'job_id', 'array_task_id', 'partition', 'nodelist'))
                data__scheduler_keys = set(data__scheduler.keys())
                if 'kind' in data__scheduler_keys:
                    data__scheduler_keys.remove('kind')
                    data__scheduler__kind = data__scheduler['kind']
                    if not (isinstance(data__scheduler__kind, str) and data__scheduler__kind == 'slurm' or data__scheduler__kind is None):
                        raise SchemaViolation('.scheduler.kind', data__scheduler__kind)
                if 'job_id' in data__scheduler_keys:
                    data__scheduler_keys.remove('job_id')
                    data__scheduler__jobid = data__scheduler['job_id']
                    if not isinstance(data__scheduler__jobid, (str, NoneType)):
                        raise SchemaViolation('.scheduler.job_id', data__scheduler__jobid)
                if 'array_task_id' in data__scheduler_keys:
                    data__scheduler_keys.remove('array_task_id')
                    data__scheduler__arraytaskid = data__scheduler['array_task_id']
                    if not isinstance(data__scheduler__arraytaskid, (str, NoneType)):
                        raise SchemaViolation('.scheduler.array_task_id', data__scheduler__arraytaskid)
                if 'partition' in data__scheduler_keys:
                    data__scheduler_keys.remove('partition')
                    data__scheduler__partition = data__scheduler['partition']
                    if not isinstance(data__scheduler__partition, (str, NoneType)):
                        raise SchemaViolation('.scheduler.partition', data__scheduler__partition)
                if 'nodelist' in data__scheduler_keys:
                    data__scheduler_keys.remove('nodelist')
                    data__scheduler__nodelist = data__scheduler['nodelist']
                    if not isinstance(data__scheduler__nodelist, (str, NoneType)):
                        raise SchemaViolation('.scheduler.nodelist', data__scheduler__nodelist)
        if 'resources' in data_keys:
            data_keys.remove('resources')
            data__resources = data['resources']
            if not isinstance(data__resources, dict):
                raise SchemaViolation('.resources', data__resources)
            data__resources_is_dict = isinstance(data__resources, dict)
            if data__resources_is_dict:
                data__resources__missing_keys = set(['max_rss_bytes', 'user_s', 'system_s']) - data__resources.keys()
                if data__resources__missing_keys:
                    raise SchemaViolation('.resources', data__resources, ('max_rss_bytes', 'user_s', 'system_s'))
                data__resources_keys = set(data__resources.keys())
                if 'max_rss_bytes' in data__resources_keys:
                    data__resources_keys.remove('max_rss_bytes')
                    data__resources__maxrssbytes = data__resources['max_rss_bytes']
                    if not isinstance(data__resources__maxrssbytes, (int, NoneType)) and (not (isinstance(data__resources__maxrssbytes, float) and data__resources__maxrssbytes.is_integer())) or isinstance(data__resources__maxrssbytes, bool):
                        raise SchemaViolation('.resources.max_rss_bytes', data__resources__maxrssbytes)
                if 'user_s' in data__resources_keys:
                    data__resources_keys.remove('user_s')
                    data__resources__users = data__resources['user_s']
                    if not isinstance(data__resources__users, (int, float, NoneType)) or isinstance(data__resources__users, bool):
                        raise SchemaViolation('.resources.user_s', data__resources__users)
                if 'system_s' in data__resources_keys:
                    data__resources_keys.remove('system_s')
                    data__resources__systems = data__resources['system_s']
                    if not isinstance(data__resources__systems, (int, float, NoneType)) or isinstance(data__resources__systems, bool):
                        raise SchemaViolation('.resources.system_s', data__resources__systems)
        if 'tracking' in data_keys:
            data_keys.remove('tracking')
            data__tracking = data['tracking']
            if not isinstance(data__tracking, dict):
                raise SchemaViolation('.tracking', data__tracking)
            data__tracking_is_dict = isinstance(data__tracking, dict)
            if data__tracking_is_dict:
                data__tracking__missing_keys = set(['backend', 'task', 'sweep', 'server_url', 'sweep_id', 'run_id']) - data__tracking.keys()
                if data__tracking__missing_keys:
                    raise SchemaViolation('.tracking', data__tracking, ('backend', 'task', 'sweep', 'server_url', 'sweep_id', 'run_id'))
                data__tracking_keys = set(data__tracking.keys())
                if 'backend' in data__tracking_keys:
                    data__tracking_keys.remove('backend')
                    data__tracking__backend = data__tracking['backend']
                    if not (isinstance(data__tracking__backend, str) and data__tracking__backend == 'local' or (isinstance(data__tracking__backend, str) and data__tracking__backend == 'server') or (isinstance(data__tracking__backend, str) and data__tracking__backend == 'slurm')):
                        raise SchemaViolation('.tracking.backend', data__tracking__backend)
                if 'task' in data__tracking_keys:
                    data__tracking_keys.remove('task')
                    data__tracking__task = data__tracking['task']
                    if not isinstance(data__tracking__task, (str, NoneType)):
                        raise SchemaViolation('.tracking.task', data__tracking__task)
                if 'sweep' in data__tracking_keys:
                    data__tracking_keys.remove('sweep')
                    data__tracking__sweep = data__tracking['sweep']
                    if not isinstance(data__tracking__sweep, (str, NoneType)):
                        raise SchemaViolation('.tracking.sweep', data__tracking__sweep)
                if 'server_url' in data__tracking_keys:
                    data__tracking_keys.remove('server_url')
                    data__tracking__serverurl = data__tracking['server_url']
                    if not isinstance(data__tracking__serverurl, (str, NoneType)):
                        raise SchemaViolation('.tracking.server_url', data__tracking__serverurl)
                if 'sweep_id' in data__tracking_keys:
                    data__tracking_keys.remove('sweep_id')
                    data__tracking__sweepid = data__tracking['sweep_id']
                    if not isinstance(data__tracking__sweepid, (str, NoneType)):
                        raise SchemaViolation('.tracking.sweep_id', data__tracking__sweepid)
                if 'run_id' in data__tracking_keys:
                    data__tracking_keys.remove('run_id')
                    data__tracking__runid = data__tracking['run_id']
                    if not isinstance(data__tracking__runid, (str, NoneType)):
                        raise SchemaViolation('.tracking.run_id', data__tracking__runid)
        if 'metrics' in data_keys:
            data_keys.remove('metrics')
            data__metrics = data['metrics']
            if not isinstance(data__metrics, dict):
                raise SchemaViolation('.metrics', data__metrics)
            data__metrics_is_dict = isinstance(data__metrics, dict)
            if data__metrics_is_dict:
                data__metrics_keys = set(data__metrics.keys())
                for data__metrics_key in data__metrics_keys:
                    if data__metrics_key not in []:
                        data__metrics_value = data__metrics.get(data__metrics_key)
                        if not isinstance(data__metrics_value, (str, int, float, int, bool, NoneType)) and (not (isinstance(data__metrics_value, float) and data__metrics_value.is_integer())):
                            raise SchemaViolation('.metrics.{data__metrics_key}'.format(**locals()), data__metrics_value)
        if 'metric_sources' in data_keys:
            data_keys.remove('metric_sources')
            data__metricsources = data['metric_sources']
            if not isinstance(data__metricsources, dict):
                raise SchemaViolation('.metric_sources', data__metricsources)
            data__metricsources_is_dict = isinstance(data__metricsources, dict)
            if data__metricsources_is_dict:
                data__metricsources_keys = set(data__metricsources.keys())
                for data__metricsources_key in data__metricsources_keys:
                    if data__metricsources_key not in []:
                        data__metricsources_value = data__metricsources.get(data__metricsources_key)
                        if not isinstance(data__metricsources_value, dict):
                            raise SchemaViolation('.metric_sources.{data__metricsources_key}'.format(**locals()), data__metricsources_value)
                        data__metricsources_value_is_dict = isinstance(data__metricsources_value, dict)
                        if data__metricsources_value_is_dict:
                            data__metricsources_value__missing_keys = set(['path', 'line', 'text', 'unit', 'pattern']) - data__metricsources_value.keys()
                            if data__metricsources_value__missing_keys:
                                raise SchemaViolation('.metric_sources.{data__metricsources_key}'.format(**locals()), data__metricsources_value, ('path', 'line', 'text', 'unit', 'pattern'))
                            data__metricsources_value_keys = set(data__metricsources_value.keys())
                            if 'path' in data__metricsources_value_keys:
                                data__metricsources_value_keys.remove('path')
                                data__metricsources_value__path = data__metricsources_value['path']
                                if not isinstance(data__metricsources_value__path, str):
                                    raise SchemaViolation('.metric_sources.{data__metricsources_key}.path'.format(**locals()), data__metricsources_value__path)
                                try:
                                    if isinstance(data__metricsources_value__path, str):
                                        if not REGEX_PATTERNS['^/|(^|/)\\.\\.(/|$)'].search(data__metricsources_value__path):
                                            raise SchemaViolation('.metric_sources.{data__metricsources_key}.path'.format(**locals()), data__metricsources_value__path)
                                except SchemaViolation:
                                    pass
                                else:
                                    raise SchemaViolation('.metric_sources.{data__metricsources_key}.path'.format(**locals()), data__metricsources_value__path)
                            if 'line' in data__metricsources_value_keys:
                                data__metricsources_value_keys.remove('line')
                                data__metricsources_value__line = data__metricsources_value['line']
                                if not isinstance(data__metricsources_value__line, (int, NoneType)) and (not (isinstance(data__metricsources_value__line, float) and data__metricsources_value__line.is_integer())) or isinstance(data__metricsources_value__line, bool):
                                    raise SchemaViolation('.metric_sources.{data__metricsources_key}.line'.format(**locals()), data__metricsources_value__line)
                                if isinstance(data__metricsources_value__line, (int, float)) and (not isinstance(data__metricsources_value__line, bool)):
                                    if data__metricsources_value__line < 1:
                                        raise SchemaViolation('.metric_sources.{data__metricsources_key}.line'.format(**locals()), data__metricsources_value__line)
                            if 'text' in data__metricsources_value_keys:
                                data__metricsources_value_keys.remove('text')
                                data__metricsources_value__text = data__metricsources_value['text']
                                if not isinstance(data__metricsources_value__text, str):
                                    raise SchemaViolation('.metric_sources.{data__metricsources_key}.text'.format(**locals()), data__metricsources_value__text)
                            if 'unit' in data__metricsources_value_keys:
                                data__metricsources_value_keys.remove('unit')
                                data__metricsources_value__unit = data__metricsources_value['unit']
                                if not isinstance(data__metricsources_value__unit, (str, NoneType)):
                                    raise SchemaViolation('.metric_sources.{data__metricsources_key}.unit'.format(**locals()), data__metricsources_value__unit)
                            if 'pattern' in data__metricsources_value_keys:
                                data__metricsources_value_keys.remove('pattern')
                                data__metricsources_value__pattern = data__metricsources_value['pattern']
                                if not isinstance(data__metricsources_value__pattern, str):
                                    raise SchemaViolation('.metric_sources.{data__metricsources_key}.pattern'.format(**locals()), data__metricsources_value__pattern)
        if 'recorder' in data_keys:
            data_keys.remove('recorder')
            data__recorder = data['recorder']
            if not isinstance(data__recorder, dict):
                raise SchemaViolation('.recorder', data__recorder)
            data__recorder_is_dict = isinstance(data__recorder, dict)
            if data__recorder_is_dict:
                data__recorder__missing_keys = set(['version']) - data__recorder.keys()
                if data__recorder__missing_keys:
                    raise SchemaViolation('.recorder', data__recorder, 'version')
                data__recorder_keys = set(data__recorder.keys())
                if 'version' in data__recorder_keys:
                    data__recorder_keys.remove('version')
                    data__recorder__version = data__recorder['version']
                    if not isinstance(data__recorder__version, str):
                        raise SchemaViolation('.recorder.version', data__recorder__version)
                if 'name_scheme' in data__recorder_keys:
                    data__recorder_keys.remove('name_scheme')
                    data__recorder__namescheme = data__recorder['name_scheme']
                    if not isinstance(data__recorder__namescheme, int) and (not (isinstance(data__recorder__namescheme, float) and data__recorder__namescheme.is_integer())) or isinstance(data__recorder__namescheme, bool):
                        raise SchemaViolation('.recorder.name_scheme', data__recorder__namescheme)
                    if isinstance(data__recorder__namescheme, (int, float)) and (not isinstance(data__recorder__namescheme, bool)):
                        if data__recorder__namescheme < 1:
                            raise SchemaViolation('.recorder.name_scheme', data__recorder__namescheme)
    return data
