/** What a browser is told about the board's answers, and its page without what would leave this machine. */
import { type RequestHandler } from 'express';

/** Bull Board's scripts and styles come as files of its own. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const setSecurityHeaders: RequestHandler = (request, response, next) => {
  response.set({
    'Content-Security-Policy': CONTENT_SECURITY_POLICY,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  });
  // Scripts and styles, whose names change with their content, tell nothing of anybody.
  if (!request.path.startsWith('/static/')) response.set('Cache-Control', 'no-store');
  next();
};

/** The page asks Google for fonts, and styles its splash screen inline, which the policy above would have to allow everybody. */
export const cleanPage: RequestHandler = (_request, response, next) => {
  const render = response.render.bind(response);
  response.render = (view: string, parameters?: unknown) => {
    render(view, parameters as object, (error: Error | null, html?: string) => {
      if (error) next(error);
      else response.send(withoutInlineStyles(withoutForeignLinks(html ?? '')));
    });
  };
  next();
};

function withoutForeignLinks(html: string): string {
  return html.replace(/<link [^>]*href="https?:[^>]*>/g, '');
}

function withoutInlineStyles(html: string): string {
  return html.replace(/<style>[^]*?<\/style>/g, '').replace(/ style="[^"]*"/g, '');
}
