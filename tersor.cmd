@echo off
rem Starts Tersor from a checkout. The first call restores and builds; later calls start the built program at once,
rem and build again only where a source file is newer than the build (xcopy /L /D lists those without copying).
setlocal
set "ROOT=%~dp0"
set "STATE=%ROOT%artifacts\launcher"
set "APP=%STATE%\app"
if not exist "%APP%\tersor.exe" goto build
set "NEWER=0"
for /f "tokens=1" %%N in ('xcopy "%ROOT%src" "%STATE%\sources\" /D /L /S /Y /Q /EXCLUDE:%ROOT%eng\launcher-exclude.txt ^| findstr /r "^[0-9]"') do set "NEWER=%%N"
if "%NEWER%"=="0" goto run

:build
where dotnet >nul 2>nul || goto nosdk
dotnet --list-sdks | findstr /b "10." >nul || goto nosdk
if not exist "%STATE%" mkdir "%STATE%"

rem One build at a time: a folder can be made only once.
:lock
mkdir "%STATE%\lock" 2>nul && goto locked
echo tersor: another call is building; waiting for it. 1>&2
echo tersor: (if none is, remove the folder %STATE%\lock) 1>&2
:wait
ping -n 2 127.0.0.1 >nul
if exist "%STATE%\lock" goto wait
if exist "%APP%\tersor.exe" goto run
goto lock

:locked
set "MACHINE=x64"
if /i "%PROCESSOR_ARCHITECTURE%"=="ARM64" set "MACHINE=arm64"
echo tersor: restoring and building; this happens once and takes about a minute. 1>&2
set "PUBLISH=dotnet publish "%ROOT%src\Tersor.Cli\Tersor.Cli.csproj" --configuration Release --runtime win-%MACHINE% --no-self-contained --output "%APP%" --nologo --verbosity quiet -p:TersorLauncher=true"
%PUBLISH% -p:PublishReadyToRun=true >"%STATE%\build.log" 2>&1 && goto built
%PUBLISH% >"%STATE%\build.log" 2>&1 && goto built
type "%STATE%\build.log" 1>&2
echo tersor: the build failed; its output is above and in %STATE%\build.log 1>&2
rmdir "%STATE%\lock"
exit /b 1

:built
xcopy "%ROOT%src" "%STATE%\sources\" /D /S /Y /Q /EXCLUDE:%ROOT%eng\launcher-exclude.txt >nul
rmdir "%STATE%\lock"
echo tersor: ready. 1>&2

:run
"%APP%\tersor.exe" %*
exit /b %ERRORLEVEL%

:nosdk
echo tersor: needs the .NET 10 SDK, which is not installed here. Get it from https://dotnet.microsoft.com/download/dotnet/10.0 and try again. 1>&2
exit /b 1
