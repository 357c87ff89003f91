import { describe, expect, test } from 'vitest';
import { cleanEnvironment } from '../../src/cli/environment.ts';

const cleaned = (
  environment: Record<string, string | undefined>,
  platform: NodeJS.Platform = 'linux',
): Record<string, string | undefined> => {
  cleanEnvironment(environment, platform);
  return environment;
};

const FIXED = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin', PIDUSAGE_SILENT: '1' };

describe('the environment of child processes', () => {
  test.each([
    ['PATH', '/tmp/evil:.:/usr/bin'],
    ['LD_PRELOAD', '/tmp/evil.so'],
    ['LD_LIBRARY_PATH', '/tmp/evil'],
    ['LD_AUDIT', '/tmp/evil.so'],
    ['DYLD_INSERT_LIBRARIES', '/tmp/evil.dylib'],
    ['GCONV_PATH', '/tmp/evil'],
    ['GLIBC_TUNABLES', 'a=b'],
    ['LOCPATH', '/tmp/evil'],
    ['NODE_OPTIONS', '--require /tmp/evil.js'],
    ['NODE_PATH', '/tmp/evil'],
    ['BASH_ENV', '/tmp/evil.sh'],
    ['ENV', '/tmp/evil.sh'],
    ['IFS', '/'],
    ['SHELLOPTS', 'xtrace'],
    ['PS4', '$(id)'],
    ['BASH_FUNC_getconf%%', '() { evil; }'],
    ['PERL5OPT', '-Mevil'],
    ['TERMINFO', '/tmp/evil'],
    ['TERMINFO_DIRS', '/tmp/evil'],
    ['PIDUSAGE_USE_PS', 'true'],
    ['HOSTALIASES', '/tmp/evil'],
    ['http_proxy', 'http://127.0.0.1:1'],
    // Paths, where a bare name is expected.
    ['TERM', 'linux/../../tmp/evil'],
    ['TERM', '/tmp/evil'],
    ['LC_ALL', '/tmp/evil'],
    ['LANG', '../tmp/evil'],
    ['LANGUAGE', '/tmp/evil'],
    ['SUDO_UID', '-1'],
    ['SUDO_USER', '../root'],
    ['TMUX_PANE', '1;kill-server'],
    // Only used on Windows.
    ['SystemRoot', 'C:\\Windows'],
    ['term', 'xterm'],
  ])('has no %s=%s', (name, value) => {
    expect(cleaned({ [name]: value })).toEqual(FIXED);
  });

  test('keeps the variables that netpane, blessed and the C library read', () => {
    const kept = {
      HOME: '/home/ana',
      XDG_CONFIG_HOME: '/home/ana/.config',
      XDG_STATE_HOME: '/home/ana/.local/state',
      LANG: 'de_DE.UTF-8@euro',
      LC_ALL: 'C.UTF-8',
      TZ: ':/etc/localtime',
      TERM: 'xterm-256color',
      COLORTERM: 'truecolor',
      NO_COLOR: '1',
      TMUX: '/tmp/tmux-1000/default,1,0',
      TMUX_PANE: '%3',
      STY: '1.pts-0.host',
      SUDO_UID: '1000',
      SUDO_USER: 'ana@example.org',
      NETPANE_FAULT: 'ticks',
    };
    expect(cleaned({ ...kept })).toEqual({ ...kept, ...FIXED });
  });

  test('on Windows restricts PATH to the directories of the system', () => {
    const environment = {
      Path: 'C:\\evil',
      PATHEXT: '.EVIL',
      ComSpec: 'C:\\evil\\cmd.exe',
      PSModulePath: 'C:\\evil',
      UserProfile: 'C:\\Users\\ana',
      SystemRoot: 'D:\\WinNT',
    };
    expect(cleaned(environment, 'win32')).toEqual({
      UserProfile: 'C:\\Users\\ana',
      SystemRoot: 'D:\\WinNT',
      windir: 'D:\\WinNT',
      ComSpec: 'D:\\WinNT\\System32\\cmd.exe',
      PATH: 'D:\\WinNT\\System32;D:\\WinNT;D:\\WinNT\\System32\\Wbem;D:\\WinNT\\System32\\WindowsPowerShell\\v1.0',
      PATHEXT: '.COM;.EXE;.BAT;.CMD',
      NoDefaultCurrentDirectoryInExePath: '1',
      PIDUSAGE_SILENT: '1',
    });
    for (const SystemRoot of ['\\\\server\\share', 'C:\\Windows;C:\\evil'])
      expect(cleaned({ SystemRoot }, 'win32')).toMatchObject({ SystemRoot: 'C:\\Windows' });
  });
});
